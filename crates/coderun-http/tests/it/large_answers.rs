//! Checks that large answers which are not read share a bounded budget.

use std::time::Duration;

use coderun_domain::testing::report;
use coderun_domain::{ByteSize, ExecutionId, Outcome, Output, Verdict};
use rstest::rstest;

use crate::support::{Server, until_async};

/// More than the buffers between server and client hold.
const OUTPUT_BYTES: usize = 32 << 20;

/// A server with a budget for one such answer, and an execution that has it.
fn start() -> (Server, ExecutionId) {
    let server = Server::with(|config| {
        config.large_answers_max = ByteSize::from_mib(33);
        config.sockets.send = Duration::from_millis(100);
    });
    let id = server.backend.running();
    let output = Output::complete(vec![b'x'; OUTPUT_BYTES]);
    let report = report(Verdict::Accepted);
    let outcome = Outcome::of_run(report, output, Output::default(), None);
    server.backend.finish(id, outcome);
    (server, id)
}

#[rstest]
#[case::a_record("status", "200 OK")]
#[case::a_message("ws", "execution_update")]
#[case::an_event("events", "execution_update")]
#[tokio::test]
async fn an_unread_answer_uses_up_the_budget_until_its_client_leaves(
    #[case] route: &str,
    #[case] read_until: &str,
) {
    let (server, id) = start();
    let path = format!("/api/v1/executions/{route}/{id}");
    let stalled = server.stall(&path, read_until).await;
    let refused = server.status(id).await;
    refused.problem(503);
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(server.watch(id).await.close_code().await, 1013);
    let small = server.get("/health/").await;
    assert_eq!(small.status, 200, "a small answer needs no budget");
    drop(stalled);
    until_async(async || server.status(id).await.status == 200).await;
}
