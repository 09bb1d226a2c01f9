//! Checks long polls: `status` with `wait` answers once the state has changed.

use coderun_domain::ExecutionId;
use coderun_domain::testing::{execution_id, finished};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::backend::Backend;
use crate::support::request::Request;
use crate::support::{Answer, Server};

/// Polls an execution with this query.
fn poll(server: &Server, id: ExecutionId, query: &str) -> Request {
    server.get(&format!("/api/v1/executions/status/{id}?{query}"))
}

/// Polls an execution, acts once the poll waits, and returns the answer.
async fn poll_while(server: &Server, id: ExecutionId, act: impl FnOnce()) -> Answer {
    let polling = async { poll(server, id, "wait=60").await };
    let acting = async {
        server.backend.has_watchers(1).await;
        act();
    };
    let (answer, ()) = tokio::join!(polling, acting);
    answer
}

#[tokio::test]
async fn a_poll_is_answered_when_the_state_changes() {
    let (server, id) = Server::pending();
    let answer = poll_while(&server, id, || server.backend.start(id)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "running");
}

#[tokio::test]
async fn output_is_not_a_change_of_state() {
    let (server, id) = Server::running();
    let answer = poll_while(&server, id, || {
        server.backend.write(id, "some output");
        server.backend.await_input(id);
        server.backend.finish(id, finished());
    });
    let record = answer.await.json();
    assert_eq!(record["seq"], 5);
    assert_eq!(record["status"], "completed");
}

#[rstest]
#[case::a_final_state(Backend::finished, "wait=60", 3)]
#[case::a_final_state_that_was_seen(Backend::finished, "wait=60&since=3", 3)]
#[case::a_final_state_before_since(Backend::finished, "wait=60&since=99", 3)]
#[case::a_change_after_since(Backend::running, "wait=60&since=1", 2)]
#[case::a_since_that_is_ahead(Backend::running, "wait=60&since=99", 2)]
#[case::the_end_of_the_wait(Backend::running, "wait=1&since=2", 2)]
#[case::no_wait(Backend::running, "wait=0", 2)]
#[case::only_since(Backend::running, "since=2", 2)]
#[case::no_wait_with_since(Backend::running, "wait=0&since=2", 2)]
#[tokio::test]
async fn a_poll_is_answered_at_once_or_when_its_wait_ends(
    #[case] execution: fn(&Backend) -> ExecutionId,
    #[case] query: &str,
    #[case] seq: u64,
) {
    let server = Server::start();
    let answer = poll(&server, execution(&server.backend), query).await;
    assert_eq!((answer.status, &answer.json()["seq"]), (200, &json!(seq)));
}

#[rstest]
#[case("wait=61", "wait")]
#[case("wait=x", "wait")]
#[case("wait=", "wait")]
#[case("wait=1.5", "wait")]
#[case("wait=-1", "wait")]
#[case("wait=1&wait=1", "wait")]
#[case("wait=1&since=x", "since")]
#[case("since=1&since=1", "since")]
#[tokio::test]
async fn a_bad_wait_or_since_is_named(#[case] query: &str, #[case] name: &str) {
    let server = Server::start();
    let answer = poll(&server, server.backend.running(), query).await;
    assert_eq!(answer.problem(422)["errors"][0]["parameter"], name);
}

#[tokio::test]
async fn a_poll_that_waits_when_the_server_goes_away_or_ends_is_answered_at_once() {
    let (server, id) = Server::running();
    let answer = poll_while(&server, id, || server.drain.going_away.cancel()).await;
    assert_eq!(answer.json()["status"], "running");
    // A later poll waits: answered at once, its client would only ask again.
    let again = poll_while(&server, id, || server.drain.end.cancel()).await;
    assert_eq!(again.json()["status"], "running");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_while_it_polls_gives_its_permit_back() {
    let (server, id) = Server::running();
    let head = format!("GET /api/v1/executions/status/{id}?wait=60 HTTP/1.1\r\nHost: x\r\n");
    let authorization = "Authorization: Bearer alice\r\n\r\n";
    let leaving = server.send_raw(head + authorization).await;
    server.backend.has_watchers(1).await;
    drop(leaving);
    server.backend.has_watchers(0).await;
}

#[tokio::test]
async fn an_execution_that_is_removed_during_a_poll_is_not_found() {
    let (server, id) = Server::running();
    let answer = poll_while(&server, id, || server.backend.remove(id)).await;
    answer.problem(404);
}

#[tokio::test]
async fn a_poll_counts_as_a_socket_of_its_user() {
    let server = Server::with(|config| config.sockets.per_user_max = 1);
    let id = server.backend.running();
    let other = server.backend.add(execution_id(7), "bob", 0);
    let mut socket = server.watch(id).await;
    socket.next().await;
    let answer = poll(&server, id, "wait=60").await;
    answer.problem(429);
    assert_ne!(answer.header("retry-after"), "");
    assert_eq!(server.status(id).await.status, 200, "without a wait");
    let others = poll(&server, other, "wait=1").token("bob").await;
    assert_eq!(others.status, 200);
    drop(socket);
    server.backend.has_watchers(0).await;
    let again = poll(&server, id, "wait=60&since=1").await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn a_poll_counts_as_a_socket_in_total() {
    let server = Server::with(|config| config.sockets.total_max = 1);
    let (server, id, _socket) = server.watch_running().await;
    let answer = poll(&server, id, "wait=60").await;
    let problem = answer.problem(503);
    assert_eq!(
        problem["detail"],
        "Too many sockets are open, try again later"
    );
    assert_ne!(answer.header("retry-after"), "");
}

#[tokio::test]
async fn a_socket_is_refused_while_polls_use_up_the_limit() {
    let server = Server::with(|config| config.sockets.per_user_max = 1);
    let id = server.backend.running();
    let watching = async {
        server.backend.has_watchers(1).await;
        assert_eq!(server.watch(id).await.close_code().await, 1013);
        server.backend.finish(id, finished());
    };
    let polling = async { poll(&server, id, "wait=60").await };
    let (answer, ()) = tokio::join!(polling, watching);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_pending_record_has_its_queue_position() {
    let (server, id) = Server::pending();
    server.backend.set_queue_position(4);
    let record = server.status(id).await;
    assert_eq!(record.json()["queue_position"], 4);
    let offsets = ["hint", "queue_position", "attempts"].map(|key| record.text.find(key));
    assert!(offsets.is_sorted(), "{}", record.text);
    server.backend.start(id);
    let reads = server.backend.queue_position_reads();
    let record = server.status(id).await.json();
    assert_eq!(record["queue_position"], Value::Null);
    assert_eq!(server.backend.queue_position_reads(), reads);
}
