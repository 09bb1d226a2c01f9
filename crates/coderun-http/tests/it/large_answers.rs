//! Checks that large answers which are not read share a bounded budget.

use std::time::Duration;

use coderun_domain::testing::{execution_id, report};
use coderun_domain::{ByteSize, ExecutionId, Outcome, Output, Verdict};
use rstest::rstest;

use crate::support::raw::RawConnection;
use crate::support::{Server, until_async};

/// More than the buffers between server and client hold.
const OUTPUT_BYTES: usize = 2 << 20;

/// A server where each user has a share for the making of one such answer, but not of a second one beside it.
fn start() -> Server {
    Server::with(|config| {
        config.large_answers_max = ByteSize::from_mib(48);
        config.sockets.send = Duration::from_millis(100);
    })
}

/// A finished execution with much output.
fn finish(server: &Server, number: u128, owner: &str) -> ExecutionId {
    let id = server.backend.add(execution_id(number), owner, 0);
    finish_with(server, id, b'x');
    id
}

fn finish_with(server: &Server, id: ExecutionId, byte: u8) {
    server.backend.start(id);
    let output = Output::complete(vec![byte; OUTPUT_BYTES]);
    let report = report(Verdict::Accepted);
    let outcome = Outcome::of_run(report, output, Output::default(), None);
    server.backend.finish(id, outcome);
}

async fn stall(server: &Server, route: &str, id: ExecutionId, read_until: &str) -> RawConnection {
    let path = format!("/api/v1/executions/{route}/{id}");
    server.stall(&path, read_until).await
}

#[rstest]
#[case::a_record("status", "200 OK")]
#[case::a_message("ws", "execution_update")]
#[case::an_event("events", "execution_update")]
#[tokio::test]
async fn an_unread_answer_uses_up_the_share_of_its_user_until_its_client_leaves(
    #[case] route: &str,
    #[case] read_until: &str,
) {
    let server = start();
    let (first, second) = (finish(&server, 1, "alice"), finish(&server, 2, "alice"));
    let stalled = stall(&server, route, first, read_until).await;
    let refused = server.status(second).await;
    refused.problem(429);
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(refused.header("ratelimit"), "\"memory\";r=0");
    let share = "\"memory\";q=12582912;qu=\"content-bytes\"";
    assert_eq!(refused.header("ratelimit-policy"), share);
    assert_eq!(server.watch(second).await.close_code().await, 1013);
    let small = server.get("/health/").await;
    assert_eq!(small.status, 200, "a small answer needs no budget");
    let of_bob = finish(&server, 3, "bob");
    let path = format!("/api/v1/executions/status/{of_bob}");
    let answer = server.get(&path).token("bob").await;
    assert_eq!(answer.status, 200, "bob has a share of his own");
    drop(stalled);
    until_async(async || server.status(second).await.status == 200).await;
}

/// A client that names its submissions by keys may use the id of a deleted execution again.
#[tokio::test]
async fn an_execution_with_the_id_of_a_deleted_one_has_an_answer_of_its_own() {
    let server = Server::with(|config| config.large_answers_max = ByteSize::from_mib(256));
    let id = finish(&server, 1, "alice");
    let _stalled = stall(&server, "status", id, "200 OK").await;
    let path = format!("/api/v1/executions/{id}");
    assert_eq!(server.delete(&path).await.status, 204);
    server.backend.add(id, "alice", 1);
    finish_with(&server, id, b'y');
    let record = server.status(id).await.json();
    let output = record["output"].as_str().unwrap();
    assert!(output.starts_with('y') && output.len() == OUTPUT_BYTES);
}

#[rstest]
#[case::a_record("status", "200 OK")]
#[case::a_message("ws", "execution_update")]
#[case::an_event("events", "execution_update")]
#[tokio::test]
async fn all_who_do_not_read_one_record_share_one_answer(
    #[case] route: &str,
    #[case] read_until: &str,
) {
    let server = start();
    let id = finish(&server, 1, "alice");
    let mut stalled = Vec::new();
    for _ in 0..8 {
        // A second answer of its own would be refused.
        stalled.push(stall(&server, route, id, read_until).await);
    }
}

#[tokio::test]
async fn whoever_reads_a_large_record_counts_as_a_watcher() {
    let server = Server::with(|config| config.sockets.per_user_max = 1);
    let id = finish(&server, 1, "alice");
    let stalled = stall(&server, "status", id, "200 OK").await;
    server.status(id).await.problem(429);
    drop(stalled);
    until_async(async || server.status(id).await.status == 200).await;
}
