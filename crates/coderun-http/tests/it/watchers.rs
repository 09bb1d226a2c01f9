//! Checks that an execution which takes input is noted as watched while somebody watches it.

use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_domain::testing::finished;

use crate::support::event_source::EventSource;
use crate::support::{Server, until};

fn server() -> Server {
    Server::with(|config| config.sockets.watcher_interval = Duration::from_millis(20))
}

/// Waits until the execution was noted as watched several times more.
async fn until_noted_again(server: &Server, id: ExecutionId) {
    let before = server.relay.times_watched(id);
    until(|| server.relay.times_watched(id) >= before + 3).await;
}

#[tokio::test]
async fn a_socket_an_event_stream_and_a_long_poll_watch_for_as_long_as_they_are_open() {
    let server = server();
    let id = server.backend.interactive();
    let socket = server.watch_full(id).await;
    until_noted_again(&server, id).await;
    drop(socket);
    server.backend.has_watchers(0).await;
    let events = EventSource::open(server.events(id, "")).await;
    until_noted_again(&server, id).await;
    drop(events);
    server.backend.has_watchers(0).await;
    let path = format!("/api/v1/executions/status/{id}?wait=60");
    let polling = async { server.get(&path).await };
    let watching = async {
        until_noted_again(&server, id).await;
        server.backend.finish(id, finished());
    };
    let (answer, ()) = tokio::join!(polling, watching);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_for_the_status_watches_once() {
    let server = server();
    let id = server.backend.interactive();
    let path = format!("/api/v1/executions/status/{id}");
    for times in 1..=2 {
        assert_eq!(server.get(&path).await.status, 200);
        assert_eq!(server.relay.times_watched(id), times);
    }
    server.backend.finish(id, finished());
    assert_eq!(server.get(&path).await.status, 200);
    assert_eq!(server.relay.times_watched(id), 2);
}

#[tokio::test]
async fn watching_what_takes_no_input_is_not_noted() {
    let server = server();
    let id = server.backend.running();
    let mut socket = server.watch_full(id).await;
    let path = format!("/api/v1/executions/status/{id}");
    assert_eq!(server.get(&path).await.status, 200);
    server.backend.finish(id, finished());
    while socket.next().await["data"]["verdict"].is_null() {}
    assert_eq!(server.relay.times_watched(id), 0);
}
