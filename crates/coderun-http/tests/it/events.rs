//! Checks the events of a stream.

use std::time::Duration;

use coderun_domain::testing::finished;
use coderun_http::AllowedOrigins;
use reqwest::Method;
use serde_json::json;

use crate::support::Server;
use crate::support::event_source::{EventSource, Frame};

#[tokio::test]
async fn a_stream_begins_with_a_snapshot_and_ends_after_the_final_event() {
    let (server, id) = Server::running();
    let mut events = EventSource::open(server.events(id, "")).await;
    let first = events.next().await;
    assert_eq!(first.kind(), ("execution_update", "2"));
    assert_eq!(first.data["data"]["status"], "running");
    server.backend.write(id, "grün\n");
    let second = events.next().await;
    assert_eq!(second.kind(), ("execution_output", "3"));
    assert_eq!(second.data["data"]["text"], "grün\n");
    server.backend.await_input(id);
    let third = events.next().await;
    assert_eq!(third.kind(), ("awaiting_input", "4"));
    assert_eq!(third.data["data"], json!({"attempt": 1}));
    server.backend.finish(id, finished());
    assert_eq!(events.next().await.kind(), ("execution_update", "5"));
    events.ends().await;
}

#[tokio::test]
async fn a_stream_has_its_media_type_and_asks_proxies_not_to_buffer() {
    let server = Server::with(|config| {
        config.origins = AllowedOrigins::List(vec!["https://play.example".to_owned()]);
    });
    let id = server.backend.running();
    let request = server
        .events(id, "")
        .header("origin", "https://play.example");
    let events = EventSource::open(request).await;
    assert_eq!(events.header("content-type"), "text/event-stream");
    assert_eq!(events.header("x-accel-buffering"), "no");
    assert_eq!(events.header("cache-control"), "no-store");
    let allowed = events.header("access-control-allow-origin");
    assert_eq!(allowed, "https://play.example");
}

#[tokio::test]
async fn head_is_answered_with_the_headers_of_a_stream() {
    let (server, id) = Server::running();
    let head = |id: &str| server.request(Method::HEAD, &format!("/api/v1/executions/events/{id}"));
    let answer = head(&id.to_string()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(
        head("00000000-0000-4000-8000-000000000000").await.status,
        404
    );
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_that_was_seen() {
    let (server, id) = Server::running();
    server.backend.write(id, "one");
    server.backend.write(id, "two");
    let resumed = server.events(id, "").header("last-event-id", "3");
    let mut events = EventSource::open(resumed).await;
    assert_eq!(events.next().await.kind(), ("execution_output", "4"));
    server.backend.finish(id, finished());
    assert_eq!(events.next().await.kind(), ("execution_update", "5"));
    events.ends().await;
}

#[tokio::test]
async fn the_header_wins_over_since() {
    let (server, id) = Server::running();
    server.backend.write(id, "one");
    let resumed = server.events(id, "?since=0").header("last-event-id", "2");
    let mut events = EventSource::open(resumed).await;
    assert_eq!(events.next().await.kind(), ("execution_output", "3"));
}

#[tokio::test]
async fn a_client_that_has_seen_all_events_gets_204() {
    let (server, id) = Server::finished();
    for request in [
        server.events(id, "?since=3"),
        server.events(id, "").header("last-event-id", "3"),
    ] {
        let answer = request.await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    }
}

#[tokio::test]
async fn a_since_that_is_ahead_is_an_error_and_then_a_snapshot() {
    let (server, id) = Server::finished();
    let mut events = EventSource::open(server.events(id, "?since=99")).await;
    assert_eq!(events.next().await.kind(), ("error", ""));
    assert_eq!(events.next().await.kind(), ("execution_update", "3"));
    events.ends().await;
}

#[tokio::test]
async fn a_bad_number_is_named() {
    let (server, id) = Server::running();
    for bad in ["x", "-1", "+1", "1.5", "99999999999999999999"] {
        let in_header = server.events(id, "?since=1").header("last-event-id", bad);
        let problem = in_header.await.problem(422);
        assert_eq!(problem["errors"][0]["header"], "Last-Event-ID", "{bad}");
        let in_query = server.events(id, &format!("?since={bad}"));
        let problem = in_query.await.problem(422);
        assert_eq!(problem["errors"][0]["parameter"], "since", "{bad}");
        let beside_a_header = server.events(id, &format!("?since={bad}"));
        let beside_a_header = beside_a_header.header("last-event-id", "1");
        let problem = beside_a_header.await.problem(422);
        assert_eq!(problem["errors"][0]["parameter"], "since", "{bad}");
    }
}

#[tokio::test]
async fn comments_keep_an_idle_stream_alive() {
    let (_server, _, mut events) = Server::with(|config| {
        config.sockets.comment_interval = Duration::from_millis(20);
    })
    .stream_running()
    .await;
    for _ in 0..3 {
        assert_eq!(events.frame().await, Some(Frame::default()));
    }
}

#[tokio::test]
async fn a_stream_has_the_queue_position_of_a_pending_execution() {
    let (server, id) = Server::pending();
    server.backend.set_queue_position(3);
    let mut events = EventSource::open(server.events(id, "")).await;
    assert_eq!(events.next().await.kind(), ("execution_update", "1"));
    let position = events.next().await;
    assert_eq!(position.kind(), ("queue", ""));
    let expected = json!({"position": 3, "estimated_start_ms": null});
    assert_eq!(position.data["data"], expected);
}

#[tokio::test]
async fn no_event_is_read_ahead_of_a_stalled_client() {
    let (server, id) = Server::running();
    for _ in 0..64 {
        server.backend.write(id, vec![b'x'; 256 << 10]);
    }
    let path = format!("/api/v1/executions/events/{id}?since=2");
    let _stalled = server.stall(&path, "retry: 1000").await;
    // Another client reads all events meanwhile.
    server.backend.finish(id, finished());
    let mut events = EventSource::open(server.events(id, "?since=2")).await;
    for _ in 0..64 {
        assert_eq!(events.next().await.kind().0, "execution_output");
    }
    assert_eq!(events.next().await.kind().0, "execution_update");
    let read_ahead = server.backend.events_read() - 65;
    assert!(read_ahead < 16, "{read_ahead} events were read ahead");
}

#[tokio::test]
async fn a_lost_connection_closes_the_subscription() {
    let (server, _, events) = Server::with(|config| {
        config.sockets.comment_interval = Duration::from_millis(20);
    })
    .stream_running()
    .await;
    server.backend.has_watchers(1).await;
    drop(events);
    server.backend.has_watchers(0).await;
}
