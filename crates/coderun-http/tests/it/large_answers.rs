//! Many large answers that nobody takes: they share a bounded room.

use std::time::Duration;

use coderun_domain::testing::report;
use coderun_domain::{ExecutionId, Outcome, Output, Verdict};

use crate::support::raw::RawConnection;
use crate::support::{Server, until_async};

/// Far more than the buffers between server and client hold.
const OUTPUT_BYTES: usize = 32 << 20;

/// A server with room for one such answer, and an execution that has it.
fn start() -> (Server, ExecutionId) {
    let server = Server::with(|config| {
        config.large_answers_max = coderun_domain::ByteSize::from_mib(33);
        config.sockets.send = Duration::from_millis(100);
    });
    let id = server.backend.running();
    let output = Output::complete(vec![b'x'; OUTPUT_BYTES]);
    let report = report(Verdict::Accepted);
    let outcome = Outcome::of_run(report, output, Output::default(), None);
    server.backend.finish(id, outcome);
    (server, id)
}

/// Asks and reads no more than the beginning.
async fn stall(server: &Server, path: &str, until: &str) -> RawConnection {
    let mut connection = RawConnection::open_narrow(server.address).await;
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";
    let upgrade = if path.contains("/ws/") { upgrade } else { "" };
    connection.send(format!("{head}{upgrade}\r\n")).await;
    connection.read_until(until).await;
    connection
}

async fn assert_has_room_again(server: &Server, path: &str) {
    until_async(async || server.get(path).await.status == 200).await;
}

#[tokio::test]
async fn a_record_that_is_not_taken_leaves_no_room_for_others_of_its_size() {
    let (server, id) = start();
    let path = format!("/api/v1/executions/status/{id}");
    let stalled = stall(&server, &path, "200 OK").await;
    let refused = server.get(&path).await;
    refused.problem(503);
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(
        server.get("/health/").await.status,
        200,
        "small ones need none"
    );
    drop(stalled);
    assert_has_room_again(&server, &path).await;
}

#[tokio::test]
async fn neither_does_a_message_on_a_socket() {
    let (server, id) = start();
    let path = format!("/api/v1/executions/status/{id}");
    let watch = format!("/api/v1/executions/ws/{id}");
    let stalled = stall(&server, &watch, "execution_update").await;
    server.get(&path).await.problem(503);
    assert_eq!(server.watch(id).await.close_code().await, 1013);
    drop(stalled);
    assert_has_room_again(&server, &path).await;
}

#[tokio::test]
async fn neither_does_an_event() {
    let (server, id) = start();
    let path = format!("/api/v1/executions/status/{id}");
    let events = format!("/api/v1/executions/events/{id}");
    let stalled = stall(&server, &events, "execution_update").await;
    server.get(&path).await.problem(503);
    drop(stalled);
    assert_has_room_again(&server, &path).await;
}
