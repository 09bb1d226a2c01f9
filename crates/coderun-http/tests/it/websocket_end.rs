//! When the connection of a socket ends.

use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_http::HttpConfig;
use tokio_tungstenite::tungstenite::Message;

use crate::support::Server;
use crate::support::raw::RawConnection;
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

/// Watches without a library that would answer close frames.
async fn watch_raw(server: &Server, id: ExecutionId) -> RawConnection {
    let mut connection = RawConnection::open(server.address).await;
    let upgrade = format!(
        "GET /api/v1/executions/ws/{id}?token=alice HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
    );
    connection.send(upgrade).await;
    connection
}

#[tokio::test]
async fn it_ends_as_soon_as_the_client_has_answered_the_close_frame() {
    let server = Server::with(patient);
    let id = server.backend.finished();
    let mut socket = server.watch(id).await;
    assert_eq!(socket.next().await["data"]["status"], "completed");
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn it_ends_at_once_if_the_client_closes() {
    let server = Server::with(patient);
    let id = server.backend.running();
    let mut socket = server.watch(id).await;
    socket.next().await;
    socket.send(Message::Close(None)).await;
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn a_refused_socket_ends_as_soon_as_the_client_has_answered() {
    let server = Server::with(patient);
    let mut socket = server.connect("1?token=forged", &[]).await;
    assert_eq!(socket.close_code().await, 4001);
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn it_stays_until_the_client_has_answered() {
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
async fn it_ends_without_an_answer_when_that_takes_too_long() {
    let server = Server::with(hasty);
    let id = server.backend.finished();
    let mut connection = watch_raw(&server, id).await;
    let told = connection.read_to_end().await;
    assert!(told.contains("The execution is final"), "{told}");
}

#[tokio::test]
async fn it_ends_after_a_violation_that_leaves_nothing_to_understand() {
    let server = Server::with(hasty);
    let id = server.backend.running();
    let mut connection = watch_raw(&server, id).await;
    connection.read_until("execution_update").await;
    let not_masked = [0x81, 0x01, b'x'];
    connection.send(not_masked).await;
    let told = connection.read_to_end().await;
    assert!(told.contains("protocol was violated"), "{told}");
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_1009_before_any_of_it_has_come() {
    let server = Server::with(hasty);
    let id = server.backend.running();
    let mut connection = watch_raw(&server, id).await;
    connection.read_until("execution_update").await;
    let head_of_a_gibibyte = [0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0];
    connection.send(head_of_a_gibibyte).await;
    let told = connection.read_to_end().await;
    assert!(told.contains("too big"), "{told}");
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_long_message_learns_that_it_was_too_big() {
    let server = Server::with(patient);
    let id = server.backend.running();
    let mut socket = server.watch(id).await;
    socket.next().await;
    // More than the buffers between client and server hold.
    socket.say(&"x".repeat(32 << 20)).await;
    assert_eq!(socket.close_code().await, 1009);
}
