//! Checks the queue positions of a pending execution.

use std::time::Duration;

use coderun_domain::ExecutionId;
use serde_json::json;

use crate::support::{Server, until};

/// A server, and a pending execution at this position.
fn pending_at(position: u64) -> (Server, ExecutionId) {
    let server = Server::with(|config| {
        config.sockets.queue_interval = Duration::from_millis(20);
    });
    let id = server.backend.pending();
    server.backend.set_queue_position(position);
    (server, id)
}

#[tokio::test]
async fn a_changed_position_is_sent_with_an_estimate() {
    let (server, id) = pending_at(10);
    let mut socket = server.watch_full(id).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    let first = json!({"type": "queue", "data": {"position": 10, "estimated_start_ms": null}});
    assert_eq!(socket.next().await, first);
    let reads = server.backend.queue_position_reads();
    until(|| server.backend.queue_position_reads() >= reads + 3).await;
    server.backend.set_queue_position(5);
    // The unchanged 10 was read several times and sent once.
    let second = socket.next().await;
    assert_eq!(second["data"]["position"], 5);
    assert!(second["data"]["estimated_start_ms"].is_u64(), "{second}");
}

#[tokio::test]
async fn the_position_of_a_running_execution_is_not_read() {
    let (server, id) = pending_at(2);
    let mut socket = server.watch_full(id).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    assert_eq!(socket.next().await["type"], "queue");
    server.backend.set_queue_position(1);
    assert_eq!(socket.next().await["type"], "queue");
    server.backend.start(id);
    assert_eq!(socket.next().await["data"]["status"], "running");
    let reads = server.backend.queue_position_reads();
    server.backend.set_queue_position(7);
    server.backend.write(id, "output");
    assert_eq!(socket.next().await["type"], "execution_output");
    assert_eq!(server.backend.queue_position_reads(), reads);
}

#[tokio::test]
async fn a_resumed_socket_gets_the_position() {
    let (server, id) = pending_at(3);
    let mut socket = server.watch_since(id, 1).await;
    assert_eq!(socket.next().await["data"]["position"], 3);
}

#[tokio::test]
async fn the_position_is_not_read_for_a_core_client() {
    let (server, id) = pending_at(3);
    let mut socket = server.watch(id).await;
    assert_eq!(socket.next().await["data"]["status"], "pending");
    server.backend.start(id);
    assert_eq!(socket.next().await["data"]["status"], "running");
    assert_eq!(server.backend.queue_position_reads(), 0);
}

#[tokio::test]
async fn a_failed_read_of_the_position_does_not_end_the_socket() {
    let (server, id) = pending_at(3);
    let mut socket = server.watch_full(id).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    assert_eq!(socket.next().await["type"], "queue");
    server.backend.break_down(true);
    server.backend.set_queue_position(2);
    socket.expect_pong().await;
    server.backend.break_down(false);
    assert_eq!(socket.next().await["data"]["position"], 2);
}
