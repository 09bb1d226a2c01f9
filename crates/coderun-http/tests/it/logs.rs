//! Checks what is logged, and that secrets never are.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use coderun_domain::StoreError;
use coderun_domain::testing::finished;
use rstest::rstest;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::failures::{corrupt, full, submit_to_failing_store, unavailable};
use crate::support::request::valid;
use crate::support::{Answer, Server, until};

const VERIFY: &str = "/api/v1/auth/verify";

/// The log of this process, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn capture() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            // The clients of these tests log what they send; the crates of the server do not.
            let filter =
                "trace,hyper=off,hyper_util=off,reqwest=off,tungstenite=off,tokio_tungstenite=off";
            tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::new(filter))
                .with_ansi(false)
                .with_writer({
                    let log = log.clone();
                    move || log.clone()
                })
                .init();
            log
        })
        .clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// The lines that contain all of these texts.
    fn lines_with(&self, texts: &[&str]) -> Vec<String> {
        let all = self.text();
        let lines = all.lines();
        let lines = lines.filter(|line| texts.iter().all(|text| line.contains(text)));
        lines.map(str::to_owned).collect()
    }

    /// The only line that contains all of these texts, once it is there.
    async fn only_line_with(&self, texts: &[&str]) -> String {
        until(|| !self.lines_with(texts).is_empty()).await;
        let mut lines = self.lines_with(texts);
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// The lines of this crate about a request, once they are complete.
    async fn of_request(&self, answer: &Answer) -> Vec<String> {
        let id = answer.header("x-request-id");
        // The access line of a request is its last.
        until(|| {
            !self
                .lines_with(&[id, " coderun_http", "answered"])
                .is_empty()
        })
        .await;
        self.lines_with(&[id, " coderun_http"])
    }

    fn assert_no_secret(&self) {
        let lines = self.lines_with(&["hush"]);
        assert_eq!(lines, [""; 0]);
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_a_token_nor_code_is_ever_logged() {
    let log = Log::capture();
    let server = Server::start();
    let get = |path: &str| server.get(path).anonymous();
    let secret = json!({"code": "hush-code", "language": "python", "input_data": "hush-input"});
    for request in [
        server.submit(&secret).token("hush-submit"),
        server.get(VERIFY).token("hush-header"),
        server.get(VERIFY).token("hush-forged"),
        get("/api/v1/auth/verify?token=hush-query"),
        get("/api/v1/executions/events/1?token=hush-forged"),
        get("/api/v1/executions/events/1?token=hush-events"),
        get("/api/v1/executions/events/1?ticket=hush-ticket"),
        get("/health/").header("traceparent", "hush-trace"),
    ] {
        log.of_request(&request.await).await;
    }
    let protocols = "execution.v1, bearer.hush-protocol";
    for (query, headers) in [
        ("1?token=hush-forged", &[][..]),
        ("1?token=hush-socket", &[]),
        ("1?ticket=hush-ticket", &[]),
        ("1", &[("sec-websocket-protocol", protocols)]),
    ] {
        server.connect(query, headers).await.final_code().await;
    }
    until(|| log.lines_with(&["socket closed"]).len() >= 4).await;
    log.assert_no_secret();
}

#[tokio::test]
async fn neither_input_nor_a_ticket_nor_a_fresh_token_is_ever_logged() {
    let log = Log::capture();
    let server = Server::start();
    let id = server.backend.interactive();
    let path = format!("/api/v1/executions/ticket/{id}");
    let issued = server.post(&path).await.json();
    let ticket = issued["ticket"].as_str().unwrap();
    let query = format!("{id}?ticket={ticket}&since=0");
    let headers = [("x-request-id", "with-input")];
    let mut socket = server.connect(&query, &headers).await;
    for message in [
        r#"{"type":"stdin","data":"hush-input"}"#,
        r#"{"type":"auth","token":"hush-fresh"}"#,
        r#"{"type":"auth","token":"hush-forged"}"#,
        r#"{"type":"stdin","data":["hush-list"]}"#,
        r#"{"type":"hush-unknown"}"#,
        r#"{"type":"ping"}"#,
    ] {
        socket.say(message).await;
    }
    socket.next_of("pong").await;
    server.backend.finish(id, finished());
    socket.final_code().await;
    log.only_line_with(&["socket closed", "with-input"]).await;
    assert_eq!(server.relay.input(), "hush-input");
    log.assert_no_secret();
    assert!(!log.text().contains(ticket));
}

#[tokio::test]
async fn a_request_is_logged_with_its_trace() {
    let log = Log::capture();
    let server = Server::start();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let lines = async |parent: &str| {
        let traceparent = format!("00-{trace}-{parent}-01");
        let request = server.get("/health/").header("traceparent", traceparent);
        log.of_request(&request.await).await.concat()
    };
    let valid = lines("00f067aa0ba902b7").await;
    assert!(valid.contains(&format!("trace_id=\"{trace}\"")), "{valid}");
    let invalid = lines("0000000000000000").await;
    assert!(!invalid.contains("trace_id"), "{invalid}");
}

#[tokio::test]
async fn a_request_has_one_access_line_with_its_route_and_not_its_path() {
    let log = Log::capture();
    let (server, id) = Server::finished();
    let request = server.get(&format!("/api/v1/executions/status/{id}?x=secret"));
    request.header("x-request-id", "one-line").await;
    let texts = ["coderun_http::access", "one-line"];
    let line = log.only_line_with(&texts).await;
    for part in [
        "method=\"GET\"",
        "route=\"/api/v1/executions/status/{id}\"",
        "status=200",
        "duration_ms=",
        "request_id=\"one-line\"",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    for part in ["secret", &id.to_string()] {
        assert!(!line.contains(part), "{part} in {line}");
    }
}

#[rstest]
#[case(corrupt, "ERROR ", ": secret bytes")]
#[case(
    unavailable,
    " WARN ",
    "the store `redis` is not available: connection refused"
)]
#[case(full, "DEBUG ", "error=")]
#[tokio::test]
async fn a_failure_is_logged_once_at_its_level_and_with_its_causes(
    #[case] failure: fn() -> StoreError,
    #[case] level: &str,
    #[case] cause: &str,
) {
    let log = Log::capture();
    let answer = submit_to_failing_store(failure).await;
    let mut lines = log.of_request(&answer).await;
    lines.retain(|line| line.contains("could not be served"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(level), "{lines:?}");
    assert!(lines[0].contains(cause), "{lines:?}");
}

#[tokio::test]
async fn an_expected_refusal_leaves_only_its_access_line() {
    let log = Log::capture();
    let server = Server::start();
    server.not_ready.cancel();
    for (request, status) in [
        (server.submit(&valid()), 503),
        (server.get(VERIFY).token("forged"), 401),
    ] {
        let answer = request.await;
        answer.problem(status);
        let lines = log.of_request(&answer).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
}

#[tokio::test]
async fn a_failure_of_a_socket_is_logged_once_with_its_causes() {
    let log = Log::capture();
    let server = Server::start();
    let headers = [("x-request-id", "keyless-socket")];
    let mut socket = server.connect("1?token=keys-down", &headers).await;
    assert_eq!(socket.close_code().await, 1013);
    let texts = ["a socket could not be served", "keyless-socket"];
    let line = log.only_line_with(&texts).await;
    assert!(line.contains(" WARN "), "{line}");
    assert!(line.contains(": connection refused"), "{line}");
}

#[tokio::test]
async fn a_lost_socket_is_logged_without_a_code() {
    let log = Log::capture();
    let server = Server::start();
    let query = format!("{}?token=alice", server.backend.running());
    let headers = [("x-request-id", "lost-socket")];
    let mut socket = server.connect(&query, &headers).await;
    socket.next().await;
    drop(socket);
    let line = log.only_line_with(&["socket closed", "lost-socket"]).await;
    assert!(!line.contains("code="), "{line}");
    assert!(line.contains("The client closed the connection"), "{line}");
}
