//! Checks the messages of a WebSocket.

use std::time::Duration;

use coderun_domain::testing::finished;
use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::Server;

#[tokio::test]
async fn a_socket_gets_the_current_state_and_then_every_change_until_the_end() {
    let (server, id) = Server::pending();
    let mut socket = server.watch(id).await;
    let first = socket.next().await;
    assert_eq!(first["type"], "execution_update");
    assert_eq!(first["execution_id"], id.to_string());
    assert_eq!(first["seq"], 1);
    assert_eq!(first["data"]["status"], "pending");
    server.backend.start(id);
    let second = socket.next().await;
    assert_eq!(second["seq"], 2);
    assert_eq!(second["data"]["status"], "running");
    server.backend.finish(id, finished());
    let third = socket.next().await;
    assert_eq!(third["seq"], 3);
    assert_eq!(third["data"]["status"], "completed");
    assert_eq!(third["data"]["output"], "the output\n");
    assert_eq!(third["data"]["verdict"], "accepted");
    assert_eq!(socket.close_code().await, 1000);
}

#[tokio::test]
async fn a_core_client_gets_updates_only() {
    let (server, id) = Server::running();
    let mut socket = server.watch(id).await;
    assert_eq!(socket.next().await["seq"], 2);
    socket.say("{\"type\":\"ping\"}").await;
    socket.say("not a message").await;
    server.backend.write(id, "some output");
    server.backend.finish(id, finished());
    let last = socket.next().await;
    assert_eq!(last["type"], "execution_update");
    assert_eq!(last["seq"], 4);
    assert_eq!(socket.close_code().await, 1000);
}

#[tokio::test]
async fn a_client_with_the_subprotocol_gets_output_as_it_is_written() {
    let (server, id) = Server::running();
    let mut socket = server.watch_full(id).await;
    assert_eq!(socket.headers["sec-websocket-protocol"], "execution.v1");
    assert_eq!(socket.next().await["type"], "execution_update");
    server.backend.write(id, "grün");
    let output = socket.next().await;
    assert_eq!(
        output,
        json!({
            "type": "execution_output", "execution_id": id.to_string(), "seq": 3,
            "data": {"stream": "stdout", "text": "grün", "attempt": 1},
        })
    );
}

#[tokio::test]
async fn a_chunk_that_ends_within_a_character_is_sent_as_bytes() {
    let (server, id, mut socket) = Server::start().watch_running_full().await;
    let [first, second] = ["gr\u{fc}n".as_bytes().split_at(3).0, b"\xbcn"];
    server.backend.write(id, first.to_vec());
    server.backend.write(id, second.to_vec());
    assert_eq!(socket.next().await["data"]["bytes_base64"], "Z3LD");
    assert_eq!(socket.next().await["data"]["bytes_base64"], "vG4=");
}

#[tokio::test]
async fn since_replays_later_events_without_a_snapshot() {
    let (server, id) = Server::running();
    server.backend.write(id, "one");
    server.backend.write(id, "two");
    let mut socket = server.watch_since(id, 2).await;
    let first = socket.next().await;
    assert_eq!(first["seq"], 3);
    assert_eq!(first["data"]["text"], "one");
    assert_eq!(socket.next().await["seq"], 4);
    server.backend.finish(id, finished());
    assert_eq!(socket.next().await["seq"], 5);
    assert_eq!(socket.close_code().await, 1000);
}

#[rstest]
#[case::everything(0)]
#[case::the_rest(1)]
#[case::nothing_more(3)]
#[tokio::test]
async fn since_replays_a_final_execution_up_to_its_end(#[case] since: u64) {
    let (server, id) = Server::finished();
    let mut socket = server.watch_since(id, since).await;
    for seq in since + 1..=3 {
        assert_eq!(socket.next().await["seq"], seq);
    }
    assert_eq!(socket.close_code().await, 1000);
}

#[tokio::test]
async fn a_since_that_is_ahead_is_an_error_and_then_a_snapshot() {
    let (server, id) = Server::running();
    let mut socket = server.watch_since(id, 99).await;
    assert_eq!(socket.next().await["type"], "error");
    assert_eq!(socket.next().await["seq"], 2);
}

#[tokio::test]
async fn a_ping_is_answered() {
    let (_server, _, mut socket) = Server::start().watch_running_full().await;
    socket.expect_pong().await;
    socket.send(Message::Ping(vec![7].into())).await;
    let pong = socket.frame().await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(vec![7].into()));
}

#[tokio::test]
async fn an_invalid_message_is_answered_with_an_error_and_not_a_close() {
    let (server, _, mut socket) = Server::start().watch_running_full().await;
    for message in ["", r#"{"type":"dance"}"#, r#"{"type":"stdin","data":42}"#] {
        socket.say(message).await;
        assert_eq!(socket.next().await["type"], "error", "{message}");
    }
    assert_eq!(server.relay.sends(), 0);
    socket.expect_pong().await;
}

#[tokio::test]
async fn an_execution_can_be_cancelled_from_its_socket() {
    let (server, id) = Server::pending();
    let mut socket = server.watch(id).await;
    socket.next().await;
    socket.say("{\"type\":\"cancel\"}").await;
    let update = socket.next().await;
    assert_eq!(update["data"]["verdict"], "cancelled");
    assert_eq!(socket.close_code().await, 1000);
}

#[tokio::test]
async fn a_cancel_that_fails_is_an_error_event() {
    let (server, _, mut socket) = Server::start().watch_running_full().await;
    server.backend.has_watchers(1).await;
    server.backend.break_down(true);
    socket.say("{\"type\":\"cancel\"}").await;
    let error = socket.next().await;
    assert_eq!(error["type"], "error");
    assert!(!error.to_string().contains("refused"));
}

#[tokio::test]
async fn a_socket_that_its_client_closes_ends_its_subscription() {
    let (server, _, mut socket) = Server::start().watch_running().await;
    server.backend.has_watchers(1).await;
    socket.send(Message::Close(None)).await;
    assert_eq!(socket.close_code().await, 1000);
    server.backend.has_watchers(0).await;
}

#[tokio::test]
async fn a_lost_connection_ends_its_subscription() {
    let (server, _, socket) = Server::start().watch_running().await;
    server.backend.has_watchers(1).await;
    drop(socket);
    server.backend.has_watchers(0).await;
}

#[tokio::test]
async fn the_server_pings() {
    let (server, _, mut socket) = Server::with(|config| {
        config.sockets.ping_interval = Duration::from_millis(20);
    })
    .watch_running()
    .await;
    // Each ping is answered by the client library when the next one is read.
    for _ in 0..5 {
        let ping = socket.frame().await.unwrap().unwrap();
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
    }
    assert_eq!(server.backend.watchers(), 1);
}

#[tokio::test]
async fn every_update_has_the_same_form_as_the_record() {
    let (server, id) = Server::finished();
    let mut record: Value = server.status(id).await.json();
    for key in ["user_id", "code", "input_data"] {
        record.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(server.watch(id).await.next().await["data"], record);
}
