//! Checks that the input of a client reaches the program's stdin.

use std::cell::Cell;
use std::time::Duration;

use coderun_domain::testing::finished;
use coderun_domain::{ExecutionId, InputReply};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::socket::Socket;
use crate::support::{Server, until};

/// Watches a running interactive execution, after its current state.
async fn open(server: Server) -> (Server, ExecutionId, Socket) {
    let id = server.backend.interactive();
    let mut socket = server.watch_full(id).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    (server, id, socket)
}

#[tokio::test]
async fn input_arrives_in_order_and_once() {
    let (server, _, mut socket) = open(Server::start()).await;
    for text in ["4", "2\n", "", "grün\0\n"] {
        socket.send_input(text).await;
    }
    socket.say("{\"type\":\"stdin_close\"}").await;
    socket.expect_pong().await;
    assert_eq!(server.relay.input(), "42\ngrün\0\n$");
}

#[tokio::test]
async fn a_character_may_be_cut_between_two_messages() {
    let (server, _, mut socket) = open(Server::start()).await;
    for text in [r"a\ud83d", r"\ude00b", r"\ude00", r"\ud83d"] {
        socket
            .say(&format!(r#"{{"type":"stdin","data":"{text}"}}"#))
            .await;
    }
    socket.say("{\"type\":\"stdin_close\"}").await;
    socket.expect_pong().await;
    assert_eq!(server.relay.input(), "a\u{1f600}b\u{fffd}\u{fffd}$");
}

#[tokio::test]
async fn a_program_that_waits_for_input_says_so() {
    let (server, id, mut socket) = open(Server::start()).await;
    server.backend.await_input(id);
    let expected = json!({
        "type": "awaiting_input", "execution_id": id.to_string(), "seq": 3, "data": {"attempt": 1},
    });
    assert_eq!(socket.next().await, expected);
}

#[tokio::test]
async fn a_lost_reply_does_not_double_input() {
    let (server, _, mut socket) = open(Server::start()).await;
    server.relay.lose_next_reply();
    socket.send_input("a").await;
    socket.send_input("b").await;
    socket.expect_pong().await;
    assert_eq!(server.relay.input(), "ab");
}

#[tokio::test]
async fn unread_input_holds_back_later_input_but_not_events() {
    let (server, id, mut socket) = open(Server::start()).await;
    server.relay.answer(Some(InputReply::Full));
    socket.send_input("a").await;
    socket.send_input("b").await;
    socket.say("{\"type\":\"ping\"}").await;
    until(|| server.relay.sends() >= 3).await;
    // Events go on, and the ping waits for the input before it.
    server.backend.write(id, "output");
    assert_eq!(socket.next().await["type"], "execution_output");
    server.relay.answer(None);
    assert_eq!(socket.next().await["type"], "pong");
    assert_eq!(server.relay.input(), "ab");
}

#[tokio::test]
async fn a_program_that_reads_nothing_can_be_cancelled() {
    let (server, id) = Server::pending();
    let mut socket = server.watch_full(id).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    server.relay.answer(Some(InputReply::Full));
    for _ in 0..100 {
        socket.send_input("not read").await;
    }
    socket.say("{\"type\":\"cancel\"}").await;
    let update = socket.next().await;
    assert_eq!(update["data"]["verdict"], "cancelled", "{update}");
    assert_eq!(server.relay.input(), "");
}

#[tokio::test]
async fn a_held_back_client_sends_no_more_than_the_buffers_hold() {
    let (server, _, mut socket) = open(Server::start()).await;
    server.relay.answer(Some(InputReply::Full));
    let piece = json!({"type": "stdin", "data": "x".repeat(60_000)}).to_string();
    let sent = Cell::new(0);
    let typing = async {
        // More than those buffers hold.
        for _ in 0..1_000 {
            socket.say_patiently(&piece).await;
            sent.set(sent.get() + 1);
        }
    };
    let stalling = async {
        let mut before = usize::MAX;
        while sent.get() != before {
            before = sent.get();
            let asked = server.relay.sends();
            until(|| server.relay.sends() >= asked + 10).await;
        }
    };
    tokio::select! {
        () = typing => panic!("all of it was taken"),
        () = stalling => {}
    }
}

#[tokio::test]
async fn a_held_back_client_is_not_dropped_for_unanswered_pings() {
    let (server, _, mut socket) = open(Server::with(|config| {
        config.sockets.ping_interval = Duration::from_millis(30);
    }))
    .await;
    server.relay.answer(Some(InputReply::Full));
    socket.send_input("a").await;
    // The server reads no pongs meanwhile.
    for _ in 0..8 {
        let ping = socket.frame().await.unwrap().unwrap();
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
    }
    server.relay.answer(None);
    until(|| server.relay.input() == "a").await;
    socket.expect_pong().await;
}

#[tokio::test]
async fn refused_input_is_an_error_event_and_not_a_close() {
    let (server, _, mut socket) = open(Server::start()).await;
    for reply in [
        InputReply::NotInteractive,
        InputReply::Ended,
        InputReply::Final,
    ] {
        server.relay.answer(Some(reply));
        socket.send_input("a").await;
        assert_eq!(socket.next().await["type"], "error", "{reply:?}");
    }
    socket.expect_pong().await;
}

#[tokio::test]
async fn input_for_a_removed_execution_is_4004() {
    let (server, _, mut socket) = open(Server::start()).await;
    server.relay.answer(Some(InputReply::Absent));
    socket.send_input("a").await;
    assert_eq!(socket.close_code().await, 4004);
}

#[tokio::test]
async fn input_of_a_core_client_is_ignored() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = server.watch(id).await;
    socket.next().await;
    socket.send_input("a").await;
    socket.say("{\"type\":\"stdin_close\"}").await;
    server.backend.await_input(id);
    server.backend.finish(id, finished());
    assert_eq!(socket.next().await["data"]["status"], "completed");
    assert_eq!(socket.close_code().await, 1000);
    assert_eq!(server.relay.sends(), 0);
}

#[tokio::test]
async fn a_short_failure_of_the_relay_loses_no_input() {
    let (server, _, mut socket) = open(Server::start()).await;
    server.relay.break_down(true);
    socket.send_input("a").await;
    until(|| server.relay.sends() >= 2).await;
    server.relay.break_down(false);
    socket.send_input("b").await;
    socket.expect_pong().await;
    assert_eq!(server.relay.input(), "ab");
}

#[tokio::test]
async fn a_long_failure_of_the_relay_is_1013() {
    let (server, _, mut socket) = open(Server::with(|config| {
        config.sockets.send = Duration::from_millis(100);
    }))
    .await;
    server.relay.break_down(true);
    socket.send_input("a").await;
    assert_eq!(socket.close_code().await, 1013);
}
