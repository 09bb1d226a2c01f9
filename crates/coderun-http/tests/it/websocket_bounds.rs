//! Checks the bounds of sockets: their messages, their number, and slow or silent clients.

use std::time::Duration;

use coderun_domain::ByteSize;
use coderun_domain::testing::execution_id;
use rstest::rstest;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use crate::support::Server;

/// A piece of a message that is the first frame of its socket.
fn first_frame(opcode: Data, payload: &[u8]) -> Message {
    Message::Frame(Frame::message(payload.to_vec(), OpCode::Data(opcode), true))
}

#[rstest]
#[case::a_binary_message(Message::binary(vec![1, 2, 3]))]
#[case::a_continuation_of_nothing(first_frame(Data::Continue, b"x"))]
#[case::text_that_is_not_utf8(first_frame(Data::Text, b"\xff"))]
#[tokio::test]
async fn a_message_that_is_not_text_is_1008(#[case] message: Message) {
    let (_server, _, mut socket) = Server::start().watch_running_full().await;
    socket.send(message).await;
    assert_eq!(socket.close_code().await, 1008);
}

#[rstest]
#[case::at_most_64_kib(64 << 10, "A message must be a JSON object")]
#[case::longer((64 << 10) + 1, "at most 64 KiB")]
#[case::at_most_1_mib(1 << 20, "at most 64 KiB")]
#[tokio::test]
async fn a_message_of_more_than_64_kib_is_skipped(#[case] length: usize, #[case] detail: &str) {
    let (_server, _, mut socket) = Server::start().watch_running_full().await;
    socket.say(&"x".repeat(length)).await;
    let error = socket.next().await;
    assert!(
        error["data"]["detail"].as_str().unwrap().contains(detail),
        "{error}"
    );
    socket.expect_pong().await;
}

#[tokio::test]
async fn a_message_of_more_than_1_mib_is_1009() {
    let (_server, _, mut socket) = Server::start().watch_running_full().await;
    socket.say(&"x".repeat((1 << 20) + 1)).await;
    assert_eq!(socket.close_code().await, 1009);
}

#[tokio::test]
async fn long_messages_need_memory_of_the_budget_for_bodies() {
    let server = Server::with(|config| {
        config.bodies_max = ByteSize::from_mib(4);
        config.sockets.send = Duration::from_millis(100);
    });
    let id = server.backend.running();
    let mut held = server.watch_full(id).await;
    held.next().await;
    // The share of a user in the budget is enough for one.
    held.begin_message(1 << 20, 100 << 10).await;
    let mut other = server.watch_full(id).await;
    other.next().await;
    other.begin_message(1 << 20, 100 << 10).await;
    assert_eq!(other.close_code().await, 1013);
}

#[tokio::test]
async fn a_message_that_is_too_big_in_pieces_is_1009() {
    let (_server, _, mut socket) = Server::start().watch_running_full().await;
    for (number, opcode) in [Data::Text, Data::Continue, Data::Continue]
        .into_iter()
        .enumerate()
    {
        let header = FrameHeader {
            is_final: number == 2,
            opcode: OpCode::Data(opcode),
            ..FrameHeader::default()
        };
        let piece = Frame::from_payload(header, "x".repeat(400_000).into());
        socket.send(Message::Frame(piece)).await;
    }
    assert_eq!(socket.close_code().await, 1009);
}

#[tokio::test]
async fn one_socket_too_many_is_1013_and_a_closed_one_makes_room() {
    let server = Server::with(|config| config.sockets.total_max = 1);
    let id = server.backend.running();
    let mut first = server.watch(id).await;
    first.next().await;
    assert_eq!(server.watch(id).await.close_code().await, 1013);
    first.send(Message::Close(None)).await;
    first.close_code().await;
    server.backend.has_watchers(0).await;
    assert_eq!(server.watch(id).await.next().await["seq"], 2);
}

#[tokio::test]
async fn one_users_socket_too_many_is_1013_and_others_are_let_in() {
    let server = Server::with(|config| config.sockets.per_user_max = 1);
    let id = server.backend.running();
    let mut first = server.watch(id).await;
    first.next().await;
    assert_eq!(server.watch(id).await.close_code().await, 1013);
    let other = server.backend.add(execution_id(7), "bob", 0);
    let mut socket = server.connect(&format!("{other}?token=bob"), &[]).await;
    assert_eq!(socket.next().await["seq"], 1);
}

#[tokio::test]
async fn one_unverified_socket_too_many_is_1013() {
    let server = Server::with(|config| config.sockets.unverified_max = 1);
    let id = server.backend.running();
    let _waiting = server.connect(&format!("{id}?token=slow"), &[]).await;
    server.verifier.is_waiting().await;
    let mut second = server.watch(id).await;
    let reason = "Too many sockets are open, try again later";
    second.expect_close(1013, reason).await;
}

#[tokio::test]
async fn a_client_that_leaves_two_pings_unanswered_is_dropped() {
    let server = Server::with(|config| {
        config.sockets.ping_interval = Duration::from_millis(30);
    });
    let id = server.backend.running();
    let _silent = server.watch(id).await;
    // The client library answers pings only when it is read.
    server.backend.has_watchers(1).await;
    server.backend.has_watchers(0).await;
}
