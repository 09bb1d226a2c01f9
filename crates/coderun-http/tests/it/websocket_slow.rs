//! A watcher who takes nothing delays nobody, costs little, and gets the rest when it comes back.

use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_domain::testing::finished;
use serde_json::json;

use crate::support::raw::RawConnection;
use crate::support::{Server, until};

const CHUNKS: u64 = 64;
const CHUNK_BYTES: usize = 1 << 20;

/// An execution that has written far more than any buffer on the way holds.
fn flood(server: &Server) -> ExecutionId {
    let id = server.backend.running();
    for _ in 0..CHUNKS {
        server.backend.write(id, vec![b'x'; CHUNK_BYTES]);
    }
    id
}

/// Watches from this number on and reads no more than the head of the answer.
async fn stall(server: &Server, id: ExecutionId, since: u64) -> RawConnection {
    let mut connection = RawConnection::open_narrow(server.address).await;
    let upgrade = format!(
        "GET /api/v1/executions/ws/{id}?token=alice&since={since} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
    );
    connection.send(upgrade).await;
    connection.read_until("101 Switching Protocols").await;
    connection
}

#[tokio::test]
async fn it_delays_nobody_and_little_is_held_for_it() {
    let server = Server::with(|config| config.workers = 1);
    let id = flood(&server);
    let _stalled = stall(&server, id, 2).await;
    let mut other = server
        .connect(&format!("{id}?token=alice&since=2"), &[])
        .await;
    for chunk in 0..CHUNKS {
        assert_eq!(other.next().await["seq"], chunk + 3);
    }
    let held = server.backend.handed_out() as u64 - CHUNKS;
    assert!(held < 16, "{held} MiB are held");
    server.backend.finish(id, finished());
    assert_eq!(other.next().await["data"]["status"], "completed");
    assert_eq!(other.close_code().await, 1000);
}

#[tokio::test]
async fn it_is_told_to_come_back_and_then_gets_the_rest() {
    let server = Server::with(|config| {
        config.sockets.send = Duration::from_millis(500);
    });
    let id = flood(&server);
    let mut slow = server
        .connect(&format!("{id}?token=alice&since=2"), &[])
        .await;
    // It reads nothing until it is given up.
    until(|| server.backend.watchers() == 1).await;
    until(|| server.backend.watchers() == 0).await;
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
    let resumed = format!("{id}?token=alice&since={last}");
    let mut resumed = server.connect(&resumed, &[]).await;
    for expected in last + 1..=CHUNKS + 2 {
        assert_eq!(resumed.next().await["seq"], expected);
    }
    assert_eq!(resumed.next().await["data"]["status"], json!("completed"));
    assert_eq!(resumed.close_code().await, 1000);
}
