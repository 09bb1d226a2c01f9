//! Checks when the connection of a socket ends.

use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_domain::testing::finished;
use coderun_http::HttpConfig;
use rstest::rstest;
use tokio_tungstenite::tungstenite::Message;

use crate::support::Server;
use crate::support::raw::{RawConnection, UPGRADE};
use crate::support::socket::Socket;

/// Longer than any test waits.
const NEVER: Duration = Duration::from_mins(1);

/// A close frame of a client, masked with zeros and without a code.
const CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

fn patient(config: &mut HttpConfig) {
    config.sockets.close = NEVER;
    config.timeouts.linger = NEVER;
}

fn hasty(config: &mut HttpConfig) {
    config.sockets.close = Duration::from_millis(50);
    config.timeouts.linger = NEVER;
}

async fn read_to_end(socket: &mut Socket) {
    while let Some(Ok(_)) = socket.frame().await {}
}

/// Watches without a library, which would answer close frames.
async fn watch_raw(server: &Server, id: ExecutionId) -> RawConnection {
    let path = format!("/api/v1/executions/ws/{id}?token=alice");
    let head = format!("GET {path} HTTP/1.1\r\n{UPGRADE}\r\n");
    server.send_raw(head).await
}

#[tokio::test]
async fn a_connection_ends_as_soon_as_the_client_has_answered_the_close_frame() {
    let server = Server::with(patient);
    let id = server.backend.finished();
    let mut socket = server.watch(id).await;
    assert_eq!(socket.next().await["data"]["status"], "completed");
    assert_eq!(socket.close_code().await, 1000);
    read_to_end(&mut socket).await;
}

/// What is written at once arrives at once, so that no client reads one without the other.
#[tokio::test]
async fn a_short_last_message_is_written_with_the_close_frame() {
    let server = Server::start();
    for _ in 0..20 {
        let id = server.backend.running();
        let mut connection = watch_raw(&server, id).await;
        connection.read_until("\"running\"").await;
        server.backend.finish(id, finished());
        let last = connection.read_until("\"completed\"").await;
        assert!(last.contains("The execution is final"), "{last}");
    }
}

#[tokio::test]
async fn a_connection_ends_at_once_if_the_client_closes() {
    let (_server, _, mut socket) = Server::with(patient).watch_running().await;
    socket.send(Message::Close(None)).await;
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn a_refused_connection_ends_as_soon_as_the_client_has_answered() {
    let server = Server::with(patient);
    let mut socket = server.connect("1?token=forged", &[]).await;
    assert_eq!(socket.close_code().await, 4001);
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn a_connection_stays_open_until_the_client_has_answered() {
    let server = Server::with(patient);
    let id = server.backend.finished();
    let mut connection = watch_raw(&server, id).await;
    connection.read_until("The execution is final").await;
    let ended = tokio::time::timeout(Duration::from_millis(100), connection.read_to_end()).await;
    assert!(ended.is_err(), "it ended before the client had answered");
    connection.send(CLOSE).await;
    assert_eq!(connection.read_to_end().await, "");
}

#[tokio::test]
async fn a_connection_ends_if_the_answer_takes_too_long() {
    let server = Server::with(hasty);
    let id = server.backend.finished();
    let mut connection = watch_raw(&server, id).await;
    let received = connection.read_to_end().await;
    let reason = "The execution is final";
    assert!(received.contains(reason), "{received}");
}

#[rstest]
#[case::a_frame_without_a_mask(&[0x81, 0x01, b'x'], "protocol was violated")]
#[case::the_head_of_a_frame_of_1_gib(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0], "too big")]
#[tokio::test]
async fn a_violation_ends_the_connection_at_once(#[case] bytes: &[u8], #[case] reason: &str) {
    let server = Server::with(hasty);
    let id = server.backend.running();
    let mut connection = watch_raw(&server, id).await;
    connection.read_until("execution_update").await;
    connection.send(bytes).await;
    let received = connection.read_to_end().await;
    assert!(received.contains(reason), "{received}");
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_long_message_learns_that_it_was_too_big() {
    let (_server, _, mut socket) = Server::with(patient).watch_running().await;
    // More than the buffers between client and server hold.
    socket.say(&"x".repeat(32 << 20)).await;
    assert_eq!(socket.close_code().await, 1009);
}
