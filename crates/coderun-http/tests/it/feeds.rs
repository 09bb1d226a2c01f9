//! Checks that all watchers of an execution share one subscription, each by its own right to read it.

use coderun_domain::testing::finished;
use futures_util::future::join_all;

use crate::support::event_source::EventSource;
use crate::support::socket::Socket;
use crate::support::{Server, until};

#[tokio::test]
async fn sockets_streams_and_polls_share_one_subscription() {
    let (server, id) = Server::running();
    let mut core = server.watch(id).await;
    let mut full = server.watch_full(id).await;
    for socket in [&mut core, &mut full] {
        assert_eq!(socket.next().await["seq"], 2);
    }
    let mut stream = EventSource::open(server.events(id, "")).await;
    assert_eq!(stream.next().await.kind(), ("execution_update", "2"));
    let path = format!("/api/v1/executions/status/{id}?wait=60");
    let polling = async { server.get(&path).await };
    let reads = server.backend.reads();
    let running = async {
        until(|| server.backend.reads() > reads).await;
        server.backend.has_watchers(1).await;
        server.backend.write(id, "output");
        server.backend.finish(id, finished());
    };
    let (answer, ()) = tokio::join!(polling, running);
    assert_eq!(answer.json()["seq"], 4);
    assert_eq!(full.next().await["seq"], 3);
    assert_eq!(stream.next().await.kind(), ("execution_output", "3"));
    assert_eq!(stream.next().await.kind(), ("execution_update", "4"));
    for socket in [&mut core, &mut full] {
        assert_eq!(socket.next().await["seq"], 4);
        assert_eq!(socket.close_code().await, 1000);
    }
    stream.ends().await;
    assert_eq!(server.backend.events_read(), 2, "each event is read once");
    server.backend.has_watchers(0).await;
}

/// The numbers of all messages up to the end.
async fn numbers(mut socket: Socket) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Ok(message) = socket.text_or_code().await {
        numbers.extend(message["seq"].as_u64());
    }
    numbers
}

#[tokio::test]
async fn every_watcher_gets_every_event_once_whenever_it_joins() {
    const EVENTS: u64 = 300;
    let server = Server::with(|config| config.sockets.per_user_max = 60);
    let id = server.backend.running();
    let last = EVENTS + 3;
    let watching = (0..60).map(|watcher| {
        let server = &server;
        async move {
            // They join while the program writes, some behind the log and some ahead of the feed.
            let written = watcher * 5;
            until(|| server.backend.execution(id).sequence().number() >= written).await;
            let since = if watcher % 2 == 0 { written } else { watcher };
            let numbers = numbers(server.watch_since(id, since).await).await;
            assert_eq!(numbers, (since + 1..=last).collect::<Vec<_>>());
        }
    });
    let writing = async {
        for _ in 0..EVENTS {
            server.backend.write(id, vec![b'x'; 1_000]);
            let reads = server.backend.events_read();
            until(|| server.backend.events_read() > reads || server.backend.watchers() == 0).await;
        }
        server.backend.finish(id, finished());
    };
    tokio::join!(join_all(watching), writing);
    server.backend.has_watchers(0).await;
}

#[tokio::test]
async fn a_feed_that_others_have_opened_admits_its_owner_only() {
    let (server, id, _socket) = Server::start().watch_running().await;
    let mut mallory = server.watch_as("mallory", id).await;
    assert_eq!(mallory.close_code().await, 4003);
    let stream = server.events(id, "").token("mallory").await;
    stream.problem(403);
    let poll = server.get(&format!("/api/v1/executions/status/{id}?wait=60"));
    poll.token("mallory").await.problem(403);
}

#[tokio::test]
async fn a_backend_that_fails_while_a_feed_is_open_admits_no_further_watcher() {
    let (server, id, _socket) = Server::start().watch_running().await;
    server.backend.break_down(true);
    assert_eq!(server.watch(id).await.close_code().await, 1013);
    server.backend.break_down(false);
    assert_eq!(server.watch(id).await.next().await["seq"], 2);
}
