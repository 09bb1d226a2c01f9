//! Tests what waits to be written, and for how long.

use std::future::pending;
use std::io::{ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream as Client};

use super::*;
use crate::watching::tests::support::World;

const RESPONSE: &[u8] = b"response";
const PONG: &[u8] = b"\x81\x0f{\"type\":\"pong\"}";

/// A socket whose response is still to be sent, and its client.
fn connect() -> (Connection, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let upgraded = UpgradedStream {
        stream: TcpStream::from_std(stream).unwrap(),
        received: Vec::new(),
        response: BytesMut::from(RESPONSE),
    };
    (Connection::new(upgraded, World::new().state), client)
}

fn message(message: &ServerMessage<'_>) -> EncodedMessage {
    EncodedMessage::new(message).unwrap()
}

fn nothing_arrives(client: &mut Client) {
    client.set_nonblocking(true).unwrap();
    let read = client.read(&mut [0]);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
}

/// Waits for this many bytes.
fn read(client: &mut Client, count: usize) -> Vec<u8> {
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn the_response_and_short_messages_are_written_together() {
    let (mut connection, mut client) = connect();
    assert_eq!(connection.prepare(async { 7 }).await, Ok(7));
    for _ in 0..2 {
        connection.put(message(&ServerMessage::PONG)).await.unwrap();
    }
    nothing_arrives(&mut client);
    connection.flush().await.unwrap();
    let expected = [RESPONSE, PONG, PONG].concat();
    assert_eq!(read(&mut client, expected.len()), expected);
}

#[tokio::test]
async fn the_response_does_not_wait_for_a_slow_first_message() {
    let (mut connection, mut client) = connect();
    let reading = tokio::task::spawn_blocking(move || read(&mut client, RESPONSE.len()));
    tokio::select! {
        prepared = connection.prepare(pending::<()>()) => panic!("{prepared:?}"),
        answer = reading => assert_eq!(answer.unwrap(), RESPONSE),
    }
}

#[tokio::test]
async fn a_long_message_is_written_at_once_behind_what_waits() {
    let (mut connection, mut client) = connect();
    connection.put(message(&ServerMessage::PONG)).await.unwrap();
    let detail = "x".repeat(2 * SHORT_MAX_BYTES);
    let long = message(&ServerMessage::error(&detail));
    connection.put(long.clone()).await.unwrap();
    assert!(!connection.has_unwritten());
    let length = u16::try_from(long.json.len()).unwrap().to_be_bytes();
    let expected = [RESPONSE, PONG, b"\x81\x7e", &length, &long.json].concat();
    assert_eq!(read(&mut client, expected.len()), expected);
}

#[tokio::test]
async fn many_short_messages_do_not_wait_for_more() {
    let (mut connection, _client) = connect();
    let mut waiting = 0;
    for _ in 0..SHORT_MAX_BYTES {
        connection.put(message(&ServerMessage::PONG)).await.unwrap();
        waiting = waiting.max(connection.outgoing.remaining());
    }
    assert!(waiting <= SHORT_MAX_BYTES, "{waiting} bytes waited");
}
