//! Checks the answers about the service itself.

use coderun_domain::testing::worker_offer;
use serde_json::{Value, json};

use crate::support::request::valid;
use crate::support::{Server, no_worker};

#[tokio::test]
async fn health_is_answered_with_and_without_a_slash() {
    let server = Server::start();
    for path in ["/health", "/health/"] {
        let answer = server.get(path).anonymous().await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.text,
            r#"{"status":"healthy","timestamp":"2027-01-15T08:00:00.000Z","service":"Code Execution Service","version":"1.2.3"}"#
        );
    }
}

#[tokio::test]
async fn readiness_has_a_check_for_each_dependency() {
    let server = Server::start();
    let answer = server.get("/health/ready").anonymous().await;
    assert_eq!(answer.status, 200);
    let mut ready = answer.json();
    assert_eq!(ready["status"], "ready");
    let check = ready["checks"]["store"].take();
    assert_eq!(check["status"], "ok");
    assert_eq!(check["reason"], Value::Null);
    assert!(check["latency_ms"].is_u64());
    assert!(ready["checks"]["queue"].is_object());
}

#[tokio::test]
async fn an_unreachable_store_is_not_ready() {
    let server = Server::start();
    server.backend.break_down(true);
    let answer = server.get("/health/ready").anonymous().await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("content-type"), "application/json");
    let ready = answer.json();
    assert_eq!(ready["status"], "not ready");
    assert_eq!(ready["checks"]["store"]["status"], "failing");
    assert!(!answer.text.contains("secret"));
}

#[tokio::test]
async fn the_root_names_the_service() {
    let server = Server::start();
    let root = server.get("/").anonymous().await.json();
    assert_eq!(root["message"], "Code Execution Service");
    assert_eq!(root["version"], "1.2.3");
    assert_eq!(root["status"], "running");
    assert!(root["features"].is_array());
}

#[tokio::test]
async fn the_languages_are_listed_with_their_limits() {
    let server = Server::start();
    let languages = server.get("/api/v1/languages").anonymous().await.json();
    let python = &languages["languages"][0];
    assert_eq!(python["name"], "python");
    assert_eq!(python["aliases"], json!(["py"]));
    assert_eq!(python["versions"], json!(["3.11.2"]));
    assert_eq!(python["default_limits"]["memory_bytes"], 256 << 20);
    assert_eq!(python["maximum_limits"]["memory_bytes"], 1 << 30);
    assert_eq!(languages["languages"][1]["name"], "c");
}

#[tokio::test]
async fn a_language_is_listed_with_the_limits_that_it_has_in_force() {
    let mut offer = worker_offer("w1");
    let limits = &mut offer.languages[0].limits;
    (limits.default.memory_bytes, limits.minimum.processes) = (Some(u64::MAX), Some(3));
    let server = Server::with_fleet(no_worker().with_worker(offer));
    let listed = server.get("/api/v1/languages").anonymous().await.json();
    let memory = |index: usize| &listed["languages"][index]["default_limits"]["memory_bytes"];
    assert_eq!((memory(0), memory(1)), (&json!(1 << 30), &json!(256 << 20)));
    let least = |index: usize| &listed["languages"][index]["minimum_limits"];
    let expected = |processes: u64| json!({"cpu_time_ms": 1, "wall_time_ms": 1, "memory_bytes": 1, "output_bytes": 1, "processes": processes});
    assert_eq!((least(0), least(1)), (&expected(3), &expected(1)));
    let submitted = server.submit(&valid()).await.json();
    let id = submitted["execution_id"].as_str().unwrap();
    let record = server.get(&format!("/api/v1/executions/status/{id}")).await;
    assert_eq!(record.json()["limits"]["memory_bytes"], 1 << 30);
}

#[tokio::test]
async fn the_runners_are_listed_with_what_they_enforce() {
    let server = Server::start();
    let answer = server.get("/api/v1/capabilities").anonymous().await;
    assert_eq!(answer.status, 200);
    let nothing = json!({
        "cpu": null, "memory": null, "processes": null, "network": null, "filesystem": null, "output": null,
    });
    assert_eq!(
        answer.json(),
        json!({"runners": [{
            "name": "test",
            "languages": ["c", "python"],
            "enforcement": nothing,
            "interactive": true,
            "workers": 1,
            "concurrency": 2,
        }], "sign_in": null})
    );
}

#[tokio::test]
async fn before_the_first_worker_clients_are_told_to_try_again() {
    let server = Server::with_fleet(no_worker());
    let refused = server.submit(&valid()).await;
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    let problem = refused.problem(503);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("No worker"), "{detail}");
    let languages = server.get("/api/v1/languages").anonymous().await;
    languages.problem(503);
    let capabilities = server.get("/api/v1/capabilities").anonymous().await;
    assert_eq!(capabilities.json(), json!({"runners": [], "sign_in": null}));
}
