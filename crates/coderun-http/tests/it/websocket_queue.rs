//! Whoever waits is told the place.

use std::time::Duration;

use serde_json::json;

use crate::support::{Server, until};

const PROTOCOL: [(&str, &str); 1] = [("sec-websocket-protocol", "execution.v1, bearer.alice")];

fn server() -> Server {
    Server::with(|config| {
        config.sockets.queue_interval = Duration::from_millis(20);
    })
}

#[tokio::test]
async fn the_place_is_told_when_it_changes_and_from_then_on_an_estimate() {
    let server = server();
    let id = server.backend.pending();
    server.backend.set_place(10);
    let mut socket = server.connect(&id.to_string(), &PROTOCOL).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    let first = json!({"type": "queue", "data": {"position": 10, "estimated_start_ms": null}});
    assert_eq!(socket.next().await, first);
    let asked = server.backend.places_asked();
    until(|| server.backend.places_asked() >= asked + 3).await;
    server.backend.set_place(5);
    // Asked again and again, it was told only once that it is 10.
    let second = socket.next().await;
    assert_eq!(second["data"]["position"], 5);
    assert!(second["data"]["estimated_start_ms"].is_u64(), "{second}");
}

#[tokio::test]
async fn once_it_runs_nobody_asks_for_its_place() {
    let server = server();
    let id = server.backend.pending();
    server.backend.set_place(2);
    let mut socket = server.connect(&id.to_string(), &PROTOCOL).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    assert_eq!(socket.next().await["type"], "queue");
    server.backend.set_place(1);
    assert_eq!(socket.next().await["type"], "queue");
    server.backend.start(id);
    assert_eq!(socket.next().await["data"]["status"], "running");
    let asked = server.backend.places_asked();
    server.backend.set_place(7);
    server.backend.write(id, "output");
    assert_eq!(socket.next().await["type"], "execution_output");
    assert_eq!(server.backend.places_asked(), asked);
}

#[tokio::test]
async fn whoever_resumes_is_told_the_place_too() {
    let server = server();
    let id = server.backend.pending();
    server.backend.set_place(3);
    let resumed = format!("{id}?token=alice&since=1");
    let mut socket = server.connect(&resumed, &[]).await;
    assert_eq!(socket.next().await["data"]["position"], 3);
}

#[tokio::test]
async fn for_an_old_client_nobody_asks() {
    let server = server();
    let id = server.backend.pending();
    server.backend.set_place(3);
    let mut socket = server.watch(id).await;
    assert_eq!(socket.next().await["data"]["status"], "pending");
    server.backend.start(id);
    assert_eq!(socket.next().await["data"]["status"], "running");
    assert_eq!(server.backend.places_asked(), 0);
}

#[tokio::test]
async fn a_store_that_cannot_tell_the_place_does_not_end_the_socket() {
    let server = server();
    let id = server.backend.pending();
    server.backend.set_place(3);
    let mut socket = server.connect(&id.to_string(), &PROTOCOL).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    assert_eq!(socket.next().await["type"], "queue");
    server.backend.break_down(true);
    server.backend.set_place(2);
    socket.say("{\"type\":\"ping\"}").await;
    assert_eq!(socket.next().await["type"], "pong");
    server.backend.break_down(false);
    assert_eq!(socket.next().await["data"]["position"], 2);
}
