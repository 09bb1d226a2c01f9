//! `status`, `cancel` and the list.

use serde_json::Value;

use crate::support::{Answer, Server};
use coderun_domain::testing::{execution_id, finished};

const CORE_KEYS: [&str; 13] = [
    "execution_id",
    "user_id",
    "code",
    "language",
    "input_data",
    "status",
    "output",
    "error_output",
    "execution_time",
    "memory_usage",
    "created_at",
    "updated_at",
    "completed_at",
];

#[tokio::test]
async fn the_core_keys_of_a_record_come_first_and_in_order() {
    let server = Server::start();
    let id = server.backend.finished();
    let answer = server.get(&format!("/api/v1/executions/status/{id}")).await;
    assert_eq!(answer.status, 200);
    let places: Vec<usize> = CORE_KEYS
        .iter()
        .chain(["verdict", "expires_at"].iter())
        .map(|key| answer.text.find(&format!("\"{key}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{}", answer.text);
}

#[tokio::test]
async fn a_finished_execution_is_told_with_its_output() {
    let server = Server::start();
    let id = server.backend.finished();
    let record = server
        .get(&format!("/api/v1/executions/status/{id}"))
        .await
        .json();
    assert_eq!(record["status"], "completed");
    assert_eq!(record["output"], "the output\n");
    assert_eq!(record["error_output"], "");
    assert_eq!(record["execution_time"], "0.05s");
    assert_eq!(record["memory_usage"], "2.1MB");
    assert_eq!(record["completed_at"], "2027-01-15T08:00:02.000Z");
}

#[tokio::test]
async fn a_pending_execution_has_no_output_yet() {
    let server = Server::start();
    let id = server.backend.pending();
    let record = server
        .get(&format!("/api/v1/executions/status/{id}"))
        .await
        .json();
    assert_eq!(record["status"], "pending");
    for key in ["output", "error_output", "completed_at", "verdict"] {
        assert_eq!(record[key], Value::Null, "{key}");
    }
}

#[tokio::test]
async fn an_unknown_execution_is_not_found() {
    let server = Server::start();
    let id = execution_id(99);
    let answer = server.get(&format!("/api/v1/executions/status/{id}")).await;
    assert_eq!(answer.problem(404)["detail"], "Execution not found");
}

#[tokio::test]
async fn a_malformed_id_is_not_found() {
    let server = Server::start();
    for id in ["1", "%00", "..%2F..", "00000000000000000000000000000001"] {
        let answer = server.get(&format!("/api/v1/executions/status/{id}")).await;
        assert_eq!(answer.problem(404)["detail"], "Execution not found", "{id}");
    }
}

#[tokio::test]
async fn another_users_execution_is_denied() {
    let server = Server::start();
    let id = server.backend.add(execution_id(5), "bob", 0);
    let answer = server.get(&format!("/api/v1/executions/status/{id}")).await;
    assert_eq!(answer.problem(403)["detail"], "Access denied");
    let answer = post(&server, &format!("/api/v1/executions/cancel/{id}")).await;
    assert_eq!(answer.problem(403)["detail"], "Access denied");
}

async fn post(server: &Server, path: &str) -> Answer {
    let request = server.client.post(server.url(path)).bearer_auth("alice");
    Answer::to(request).await
}

#[tokio::test]
async fn cancelling_a_waiting_execution_ends_it() {
    let server = Server::start();
    let id = server.backend.pending();
    let answer = post(&server, &format!("/api/v1/executions/cancel/{id}")).await;
    assert_eq!(answer.status, 200);
    let record = answer.json();
    assert_eq!(record["status"], "error");
    assert_eq!(record["verdict"], "cancelled");
    assert_eq!(record["error_output"], "It was cancelled");
}

#[tokio::test]
async fn cancelling_a_running_execution_is_only_asked_for() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = post(&server, &format!("/api/v1/executions/cancel/{id}")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["status"], "running");
}

#[tokio::test]
async fn cancelling_a_final_execution_changes_nothing() {
    let server = Server::start();
    let id = server.backend.finished();
    let answer = post(&server, &format!("/api/v1/executions/cancel/{id}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "completed");
}

#[tokio::test]
async fn cancelling_an_unknown_execution_is_not_found() {
    let server = Server::start();
    let id = execution_id(9);
    let answer = post(&server, &format!("/api/v1/executions/cancel/{id}")).await;
    answer.problem(404);
}

#[tokio::test]
async fn a_list_is_paged_newest_first_and_without_texts() {
    let server = Server::start();
    for number in 1..=5 {
        server.backend.add(
            execution_id(number),
            "alice",
            u32::try_from(number).unwrap(),
        );
    }
    server.backend.add(execution_id(9), "bob", 9);
    let mut path = "/api/v1/executions?limit=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = server.get(&path).await.json();
        let ids: Vec<String> = page["executions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|summary| summary["execution_id"].as_str().unwrap()[35..].to_owned())
            .collect();
        pages.push(ids.concat());
        assert!(page["executions"][0].get("code").is_none());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/executions?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(pages, ["54", "32", "1"]);
}

#[tokio::test]
async fn a_list_that_fits_has_no_cursor() {
    let server = Server::start();
    let id = server.backend.running();
    server.backend.finish(id, finished());
    let page = server.get("/api/v1/executions?limit=1").await.json();
    assert_eq!(page["executions"][0]["verdict"], "accepted");
    assert_eq!(page["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_bad_limit_or_cursor_is_named() {
    let server = Server::start();
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=1", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=", "cursor"),
    ] {
        let answer = server.get(&format!("/api/v1/executions?{query}")).await;
        let problem = answer.problem(422);
        assert_eq!(problem["errors"][0]["parameter"], name, "{query}");
    }
    assert_eq!(server.get("/api/v1/executions?limit=100").await.status, 200);
}
