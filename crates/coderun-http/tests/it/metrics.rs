//! Checks the recorded metrics.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reqwest::Method;

use crate::support::event_source::EventSource;
use crate::support::{Server, until};

/// The recorder of this process.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap())
}

/// The value of a series, or 0 if it does not exist yet.
fn value(line: &str) -> f64 {
    let text = recorder().render();
    let found = text
        .lines()
        .find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
    found.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_never_by_path() {
    recorder();
    let (server, id) = Server::finished();
    let line = "coderun_http_requests_total{method=\"GET\",route=\"/api/v1/executions/status/{id}\",status=\"200\"}";
    let before = value(line);
    for _ in 0..3 {
        server.status(id).await;
    }
    until(|| value(line) >= before + 3.0).await;
    server.get("/nowhere/secret-path").await;
    let unknown = Method::from_bytes(b"SECRETMETHOD").unwrap();
    server.request(unknown, "/health/").await;
    let other = "coderun_http_requests_total{method=\"other\",route=\"/health\",status=\"405\"}";
    until(|| value(other) >= 1.0).await;
    let text = recorder().render();
    assert!(text.contains("coderun_http_request_duration_seconds"));
    for secret in ["secret-path", "SECRETMETHOD", &id.to_string()] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn verified_tokens_are_counted_by_result_without_naming_the_user() {
    recorder();
    let server = Server::start();
    let count = |result| {
        value(&format!(
            "coderun_token_verifications_total{{result=\"{result}\"}}"
        ))
    };
    let (accepted, refused) = (count("accepted"), count("signature"));
    server.get("/api/v1/auth/verify").await;
    server.get("/api/v1/auth/verify").token("forged").await;
    assert!(count("accepted") >= accepted + 1.0);
    assert!(count("signature") >= refused + 1.0);
    let accepted = count("accepted");
    let (_server, _, _socket) = server.watch_running().await;
    assert!(count("accepted") >= accepted + 1.0, "by a socket");
    assert!(!recorder().render().contains("alice"));
}

#[tokio::test]
async fn watchers_are_counted_while_they_are_connected() {
    recorder();
    let server = Server::with(|config| {
        config.sockets.comment_interval = Duration::from_millis(20);
    });
    let id = server.backend.running();
    let open = |kind: &str| value(&format!("coderun_sockets{{kind=\"{kind}\"}}"));
    let mut socket = server.watch(id).await;
    socket.next().await;
    let mut events = EventSource::open(server.events(id, "")).await;
    events.next().await;
    let path = format!("/api/v1/executions/status/{id}?wait=60");
    let seen = async {
        until(|| {
            ["websocket", "sse", "long_poll"]
                .iter()
                .all(|kind| open(kind) >= 1.0)
        })
        .await;
        server.drain.going_away.cancel();
    };
    let polling = async { server.get(&path).await };
    tokio::join!(polling, seen);
    let closed = "coderun_sockets_closed_total{code=\"1012\"}";
    let before = value(closed);
    drop(events);
    server.drain.end.cancel();
    assert_eq!(socket.close_code().await, 1012);
    until(|| value(closed) > before).await;
    until(|| open("websocket") + open("sse") + open("long_poll") == 0.0).await;
}

#[tokio::test]
async fn slow_watchers_are_counted() {
    recorder();
    let server = Server::with(|config| {
        config.sockets.send = Duration::from_millis(50);
    });
    let id = server.backend.running();
    for _ in 0..64 {
        server.backend.write(id, vec![b'x'; 1 << 20]);
    }
    let before = value("coderun_slow_watchers_total");
    let path = format!("/api/v1/executions/ws/{id}?since=0");
    let _stalled = server.stall(&path, "101 Switching Protocols").await;
    until(|| value("coderun_slow_watchers_total") > before).await;
}
