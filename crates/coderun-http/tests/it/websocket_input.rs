//! What a client types reaches the program's stdin.

use std::cell::Cell;
use std::time::Duration;

use coderun_domain::testing::finished;
use coderun_domain::{ExecutionId, InputReply};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::socket::Socket;
use crate::support::{Server, until};

const PROTOCOL: [(&str, &str); 1] = [("sec-websocket-protocol", "execution.v1, bearer.alice")];

async fn open(server: &Server, id: ExecutionId) -> Socket {
    let mut socket = server.connect(&id.to_string(), &PROTOCOL).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    socket
}

async fn type_in(socket: &mut Socket, text: &str) {
    let message = json!({"type": "stdin", "data": text});
    socket.say(&message.to_string()).await;
}

async fn is_alive(socket: &mut Socket) {
    socket.say("{\"type\":\"ping\"}").await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn what_is_typed_arrives_in_order_and_once() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    for text in ["4", "2\n", "", "grün\0\n"] {
        type_in(&mut socket, text).await;
    }
    socket.say("{\"type\":\"stdin_close\"}").await;
    is_alive(&mut socket).await;
    assert_eq!(server.relay.typed(), "42\ngrün\0\n$");
}

#[tokio::test]
async fn a_program_that_waits_for_input_says_so() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    server.backend.await_input(id);
    let expected = json!({
        "type": "awaiting_input", "execution_id": id.to_string(), "seq": 3, "data": {"attempt": 1},
    });
    assert_eq!(socket.next().await, expected);
}

#[tokio::test]
async fn a_lost_reply_does_not_double_what_was_typed() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    server.relay.lose_next_reply();
    type_in(&mut socket, "a").await;
    type_in(&mut socket, "b").await;
    is_alive(&mut socket).await;
    assert_eq!(server.relay.typed(), "ab");
}

#[tokio::test]
async fn what_the_program_has_not_read_holds_up_whoever_types() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    server.relay.answer(Some(InputReply::Full));
    type_in(&mut socket, "a").await;
    type_in(&mut socket, "b").await;
    socket.say("{\"type\":\"ping\"}").await;
    until(|| server.relay.asked() >= 3).await;
    // Events go on, and what was typed keeps its order: the ping has no answer yet.
    server.backend.write(id, "output");
    assert_eq!(socket.next().await["type"], "execution_output");
    server.relay.answer(None);
    assert_eq!(socket.next().await["type"], "pong");
    assert_eq!(server.relay.typed(), "ab");
}

#[tokio::test]
async fn a_program_that_reads_nothing_is_stopped_however_much_was_typed() {
    let server = Server::start();
    let id = server.backend.pending();
    let mut socket = open(&server, id).await;
    server.relay.answer(Some(InputReply::Full));
    for _ in 0..100 {
        type_in(&mut socket, "not read").await;
    }
    socket.say("{\"type\":\"cancel\"}").await;
    let update = socket.next().await;
    assert_eq!(update["data"]["verdict"], "cancelled", "{update}");
    assert_eq!(server.relay.typed(), "");
}

#[tokio::test]
async fn whoever_is_held_up_sends_no_more_than_the_buffers_between_hold() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
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
            let asked = server.relay.asked();
            until(|| server.relay.asked() >= asked + 10).await;
        }
    };
    tokio::select! {
        () = typing => panic!("all of it was taken"),
        () = stalling => {}
    }
}

#[tokio::test]
async fn whoever_is_held_up_is_not_silent() {
    let server = Server::with(|config| {
        config.sockets.ping_interval = Duration::from_millis(30);
    });
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    server.relay.answer(Some(InputReply::Full));
    type_in(&mut socket, "a").await;
    // Many pings, the answers to which nobody reads.
    for _ in 0..8 {
        let ping = socket.frame().await.unwrap().unwrap();
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
    }
    server.relay.answer(None);
    until(|| server.relay.typed() == "a").await;
    is_alive(&mut socket).await;
}

#[tokio::test]
async fn input_that_nobody_can_take_is_an_error_event_and_no_close() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    for reply in [
        InputReply::NotInteractive,
        InputReply::Ended,
        InputReply::Final,
    ] {
        server.relay.answer(Some(reply));
        type_in(&mut socket, "a").await;
        assert_eq!(socket.next().await["type"], "error", "{reply:?}");
    }
    is_alive(&mut socket).await;
}

#[tokio::test]
async fn input_for_what_is_gone_is_4004() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    server.relay.answer(Some(InputReply::Absent));
    type_in(&mut socket, "a").await;
    assert_eq!(socket.close_code().await, 4004);
}

#[tokio::test]
async fn what_is_no_text_is_an_error_event() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    for message in [
        "{\"type\":\"stdin\"}",
        "{\"type\":\"stdin\",\"data\":42}",
        "{\"type\":\"stdin\",\"data\":null}",
    ] {
        socket.say(message).await;
        assert_eq!(socket.next().await["type"], "error", "{message}");
    }
    is_alive(&mut socket).await;
    assert_eq!(server.relay.asked(), 0);
}

#[tokio::test]
async fn an_old_client_cannot_type_and_hears_nothing_of_it() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = server.watch(id).await;
    socket.next().await;
    type_in(&mut socket, "a").await;
    socket.say("{\"type\":\"stdin_close\"}").await;
    server.backend.await_input(id);
    server.backend.finish(id, finished());
    assert_eq!(socket.next().await["data"]["status"], "completed");
    assert_eq!(socket.close_code().await, 1000);
    assert_eq!(server.relay.asked(), 0);
}

#[tokio::test]
async fn a_relay_that_is_down_for_a_moment_loses_nothing() {
    let server = Server::start();
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    server.relay.break_down(true);
    type_in(&mut socket, "a").await;
    until(|| server.relay.asked() >= 2).await;
    server.relay.break_down(false);
    type_in(&mut socket, "b").await;
    is_alive(&mut socket).await;
    assert_eq!(server.relay.typed(), "ab");
}

#[tokio::test]
async fn a_relay_that_is_down_for_long_is_1013() {
    let server = Server::with(|config| {
        config.sockets.send = Duration::from_millis(100);
    });
    let id = server.backend.interactive();
    let mut socket = open(&server, id).await;
    server.relay.break_down(true);
    type_in(&mut socket, "a").await;
    assert_eq!(socket.close_code().await, 1013);
}
