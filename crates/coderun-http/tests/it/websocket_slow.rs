//! Checks that a stalled client delays no other, costs little memory, and gets the rest when it resumes.

use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_domain::testing::finished;
use serde_json::json;

use crate::support::{Server, until};

const CHUNKS: u64 = 64;
const CHUNK_BYTES: usize = 256 << 10;

/// An execution with more output than the buffers between server and client hold.
fn flood(server: &Server) -> ExecutionId {
    let id = server.backend.running();
    for _ in 0..CHUNKS {
        server.backend.write(id, vec![b'x'; CHUNK_BYTES]);
    }
    id
}

#[tokio::test]
async fn a_stalled_client_delays_no_other_and_little_is_held_for_it() {
    let server = Server::with(|config| config.workers = 1);
    let id = flood(&server);
    let path = format!("/api/v1/executions/ws/{id}?since=2");
    let _stalled = server.stall(&path, "101 Switching Protocols").await;
    let mut other = server.watch_since(id, 2).await;
    for chunk in 0..CHUNKS {
        assert_eq!(other.next().await["seq"], chunk + 3);
    }
    let held = server.backend.events_read() as u64 - CHUNKS;
    assert!(held < 16, "{held} events are held");
    server.backend.finish(id, finished());
    assert_eq!(other.next().await["data"]["status"], "completed");
    assert_eq!(other.close_code().await, 1000);
}

#[tokio::test]
async fn a_slow_client_is_closed_with_1013_and_resumes_without_a_gap() {
    let server = Server::with(|config| {
        config.sockets.send = Duration::from_millis(500);
    });
    let id = flood(&server);
    let mut slow = server.watch_since(id, 2).await;
    // It reads nothing until the server closes it.
    server.backend.has_watchers(1).await;
    server.backend.has_watchers(0).await;
    let mut last = 2;
    let code = loop {
        match slow.text_or_code().await {
            Ok(message) => {
                assert_eq!(message["seq"], last + 1, "no gap");
                last += 1;
            }
            Err(code) => break code,
        }
    };
    assert_eq!(code, 1013);
    assert!((3..CHUNKS).contains(&last), "{last} is where it was cut");
    server.backend.finish(id, finished());
    let mut resumed = server.watch_since(id, last).await;
    for expected in last + 1..=CHUNKS + 2 {
        assert_eq!(resumed.next().await["seq"], expected);
    }
    assert_eq!(resumed.next().await["data"]["status"], json!("completed"));
    assert_eq!(resumed.close_code().await, 1000);
}

#[tokio::test]
async fn a_message_that_is_being_sent_when_the_server_ends_is_completed() {
    let server = Server::start();
    let id = flood(&server);
    let mut slow = server.watch_since(id, 2).await;
    until(|| server.backend.events_read() > 0).await;
    server.drain.end.cancel();
    let mut last = 2;
    let notice = loop {
        let message = slow.next().await;
        if message["seq"].is_null() {
            break message;
        }
        assert_eq!(message["seq"], last + 1, "no gap");
        last += 1;
    };
    assert_eq!(notice["type"], "going_away");
    assert_eq!(slow.close_code().await, 1012);
    assert!(last < CHUNKS, "{last}");
}
