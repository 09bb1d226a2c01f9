//! Checks `status`, `cancel` and the list.

use coderun_domain::ExecutionId;
use coderun_domain::testing::{execution_id, finished};
use reqwest::Method;
use rstest::rstest;
use serde_json::Value;

use crate::support::Server;
use crate::support::backend::Backend;
use crate::support::request::Request;

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
    let answer = server.status(server.backend.finished()).await;
    assert_eq!(answer.status, 200);
    let offsets: Vec<usize> = CORE_KEYS
        .iter()
        .chain(["verdict", "expires_at"].iter())
        .map(|key| answer.text.find(&format!("\"{key}\":")).unwrap())
        .collect();
    assert!(offsets.is_sorted(), "{}", answer.text);
}

#[tokio::test]
async fn a_finished_execution_has_its_output() {
    let server = Server::start();
    let record = server.status(server.backend.finished()).await.json();
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
    let record = server.status(server.backend.pending()).await.json();
    assert_eq!(record["status"], "pending");
    for key in ["output", "error_output", "completed_at", "verdict"] {
        assert_eq!(record[key], Value::Null, "{key}");
    }
}

fn cancel(server: &Server, id: ExecutionId) -> Request {
    server.post(&format!("/api/v1/executions/cancel/{id}"))
}

#[rstest]
#[case(Method::GET, "status/{id}")]
#[case(Method::GET, "status/{id}?wait=60")]
#[case(Method::GET, "events/{id}")]
#[case(Method::POST, "cancel/{id}")]
#[case(Method::POST, "ticket/{id}")]
#[case(Method::DELETE, "{id}")]
#[tokio::test]
async fn only_the_owner_of_a_known_execution_reaches_it(
    #[case] method: Method,
    #[case] path: &str,
) {
    let server = Server::start();
    let other = server.backend.add(execution_id(5), "bob", 0);
    let request = |id: &str| {
        let path = format!("/api/v1/executions/{}", path.replace("{id}", id));
        server.request(method.clone(), &path)
    };
    let denied = request(&other.to_string()).await.problem(403);
    assert_eq!(denied["detail"], "Access denied");
    request(&other.to_string()).anonymous().await.problem(401);
    assert!(server.backend.contains(other));
    let (unknown, no_hyphens) = (execution_id(99).to_string(), "0".repeat(32));
    for id in ["1", "%00", "..%2F..", &unknown, &no_hyphens] {
        let problem = request(id).await.problem(404);
        assert_eq!(problem["detail"], "Execution not found", "{id}");
    }
}

#[rstest]
#[case::a_pending_one_ends(Backend::pending, 200, "error")]
#[case::a_running_one_is_asked_to_stop(Backend::running, 202, "running")]
#[case::a_final_one_stays_as_it_is(Backend::finished, 200, "completed")]
#[tokio::test]
async fn cancelling_depends_on_the_state(
    #[case] execution: fn(&Backend) -> ExecutionId,
    #[case] status: u16,
    #[case] state: &str,
) {
    let server = Server::start();
    let answer = cancel(&server, execution(&server.backend)).await;
    assert_eq!(answer.status, status);
    assert_eq!(answer.json()["status"], state);
}

#[tokio::test]
async fn a_cancelled_execution_says_so() {
    let server = Server::start();
    let record = cancel(&server, server.backend.pending()).await.json();
    assert_eq!(record["verdict"], "cancelled");
    assert_eq!(record["error_output"], "It was cancelled");
}

#[tokio::test]
async fn a_list_is_paged_newest_first_and_without_texts() {
    let server = Server::start();
    for number in 1..=5 {
        let second = u32::try_from(number).unwrap();
        server.backend.add(execution_id(number), "alice", second);
    }
    server.backend.add(execution_id(9), "bob", 9);
    let mut path = "/api/v1/executions?limit=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = server.get(&path).await.json();
        let executions = page["executions"].as_array().unwrap().iter();
        let last_digits = executions.map(|it| &it["execution_id"].as_str().unwrap()[35..]);
        pages.push(last_digits.collect::<String>());
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
    let (server, id) = Server::running();
    server.backend.finish(id, finished());
    let page = server.get("/api/v1/executions?limit=1").await.json();
    assert_eq!(page["executions"][0]["verdict"], "accepted");
    assert_eq!(page["next_cursor"], Value::Null);
}

#[rstest]
#[case("limit=0", "limit")]
#[case("limit=101", "limit")]
#[case("limit=x", "limit")]
#[case("limit=1&limit=1", "limit")]
#[case("cursor=abc", "cursor")]
#[case("cursor=", "cursor")]
#[tokio::test]
async fn a_bad_limit_or_cursor_is_named(#[case] query: &str, #[case] name: &str) {
    let server = Server::start();
    let answer = server.get(&format!("/api/v1/executions?{query}")).await;
    assert_eq!(answer.problem(422)["errors"][0]["parameter"], name);
    assert_eq!(server.get("/api/v1/executions?limit=100").await.status, 200);
}
