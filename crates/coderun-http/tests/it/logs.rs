//! What stands in the log, and what never does.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use coderun_domain::StoreError;
use coderun_domain::testing::execution_id;
use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::failures::submit_to_failing_store;
use crate::support::raw::RawConnection;
use crate::support::{Answer, Server, until};

/// Everything that is logged in this process, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn capture() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            // The clients of other tests in this process log what they send; the server's crates do not.
            let filter =
                "trace,hyper=off,hyper_util=off,reqwest=off,tungstenite=off,tokio_tungstenite=off";
            tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::new(filter))
                .with_ansi(false)
                .with_writer(log.clone())
                .init();
            log
        })
        .clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    fn lines_with(&self, text: &str) -> Vec<String> {
        let all = self.text();
        let lines = all.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }

    /// What this crate logged of a request, once that is complete.
    async fn of_request(&self, answer: &Answer) -> Vec<String> {
        let id = answer.header("x-request-id");
        let lines = || {
            let lines = self.lines_with(id).into_iter();
            let ours = lines.filter(|line| line.contains(" coderun_http"));
            ours.collect::<Vec<_>>()
        };
        // The line of the request is its last.
        until(|| lines().iter().any(|line| line.contains("answered"))).await;
        lines()
    }

    /// What was logged of the failure behind an answer.
    async fn failure(&self, answer: &Answer) -> Vec<String> {
        let mut lines = self.of_request(answer).await;
        lines.retain(|line| line.contains("could not be served"));
        lines
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

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const UPGRADE: &str = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";

#[tokio::test]
async fn neither_token_nor_code_is_ever_logged() {
    let log = Log::capture();
    let server = Server::start();
    let body = r#"{"code":"hush-code","language":"python","input_data":"hush-input"}"#;
    let length = body.len();
    let requests = [
        "GET /api/v1/auth/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hush-header\r\n"
            .to_owned(),
        "GET /api/v1/auth/verify?token=hush-query HTTP/1.1\r\nHost: x\r\n".to_owned(),
        format!(
            "POST /api/v1/executions/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hush-submit\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
        "GET /api/v1/auth/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hush-forged\r\n"
            .to_owned(),
        format!("GET /api/v1/executions/ws/1?token=hush-forged HTTP/1.1\r\n{UPGRADE}"),
        format!("GET /api/v1/executions/ws/1?token=hush-socket HTTP/1.1\r\n{UPGRADE}"),
        format!(
            "GET /api/v1/executions/ws/1 HTTP/1.1\r\n{UPGRADE}\
             Sec-WebSocket-Protocol: execution.v1, bearer.hush-protocol\r\n"
        ),
        format!("GET /api/v1/executions/ws/1?ticket=hush-ticket HTTP/1.1\r\n{UPGRADE}"),
        "GET /api/v1/executions/events/1?token=hush-forged HTTP/1.1\r\nHost: x\r\n".to_owned(),
        "GET /api/v1/executions/events/1?token=hush-events HTTP/1.1\r\nHost: x\r\n".to_owned(),
        "GET /api/v1/executions/events/1?ticket=hush-ticket HTTP/1.1\r\nHost: x\r\n".to_owned(),
        "GET /health/ HTTP/1.1\r\nHost: x\r\nTraceparent: hush-trace\r\n".to_owned(),
    ];
    for (number, request) in requests.iter().enumerate() {
        let mut connection = RawConnection::open(server.address).await;
        let (head, body) = request
            .split_once("\r\n\r\n")
            .unwrap_or((request.trim_end(), ""));
        let request = format!("{head}\r\nX-Request-Id: quiet-{number}\r\n\r\n{body}");
        connection.send(request).await;
        connection.read_until("\r\n\r\n").await;
        until(|| !log.lines_with(&format!("quiet-{number}")).is_empty()).await;
    }
    until(|| log.lines_with("socket closed").len() >= 3).await;
    assert!(!log.text().contains("hush"), "{:?}", log.lines_with("hush"));
}

#[tokio::test]
async fn neither_what_is_typed_nor_a_ticket_nor_a_fresh_token_is_ever_logged() {
    let log = Log::capture();
    let server = Server::start();
    let id = server.backend.interactive();
    let path = format!("/api/v1/executions/ticket/{id}");
    let issued = server.ask(reqwest::Method::POST, &path).await.json();
    let ticket = issued["ticket"].as_str().unwrap();
    let query = format!("{id}?ticket={ticket}&since=0");
    let headers = [("x-request-id", "typing")];
    let mut socket = server.connect(&query, &headers).await;
    for message in [
        r#"{"type":"stdin","data":"hush-typed"}"#,
        r#"{"type":"auth","token":"hush-fresh"}"#,
        r#"{"type":"auth","token":"hush-forged"}"#,
        r#"{"type":"stdin","data":["hush-list"]}"#,
        r#"{"type":"hush-unknown"}"#,
        r#"{"type":"ping"}"#,
    ] {
        socket.say(message).await;
    }
    while socket.next().await["type"] != "pong" {}
    server
        .backend
        .finish(id, coderun_domain::testing::finished());
    socket.final_code().await;
    let closed = || {
        let lines = log.lines_with("socket closed").into_iter();
        lines.filter(|line| line.contains("typing")).count()
    };
    until(|| closed() == 1).await;
    assert_eq!(server.relay.typed(), "hush-typed");
    assert!(!log.text().contains("hush"), "{:?}", log.lines_with("hush"));
    assert!(!log.text().contains(ticket));
}

#[tokio::test]
async fn a_request_leaves_the_trace_that_it_belongs_to() {
    let log = Log::capture();
    let server = Server::start();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let lines = async |id: &'static str, traceparent: String| {
        let request = server.client.get(server.url("/health/"));
        let request = request.header("x-request-id", id);
        let answer = Answer::to(request.header("traceparent", traceparent)).await;
        log.of_request(&answer).await.concat()
    };
    let good = lines("traced", format!("00-{trace}-00f067aa0ba902b7-01")).await;
    assert!(good.contains(&format!("trace_id=\"{trace}\"")), "{good}");
    let bad = lines("untraced", format!("00-{trace}-0000000000000000-01")).await;
    assert!(!bad.contains("trace_id"), "{bad}");
}

#[tokio::test]
async fn a_request_leaves_one_line_with_its_route_and_not_its_path() {
    let log = Log::capture();
    let server = Server::start();
    let id = server.backend.finished();
    let request = server
        .client
        .get(server.url(&format!("/api/v1/executions/status/{id}?x=secret")))
        .bearer_auth("alice")
        .header("x-request-id", "one-line");
    request.send().await.unwrap();
    let lines = || {
        let lines = log.lines_with("coderun_http::access");
        let mine = lines.into_iter().filter(|line| line.contains("one-line"));
        mine.collect::<Vec<_>>()
    };
    until(|| !lines().is_empty()).await;
    let lines = lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    for part in [
        "method=\"GET\"",
        "route=\"/api/v1/executions/status/{id}\"",
        "status=200",
        "duration_ms=",
        "request_id=\"one-line\"",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(
        !line.contains("secret") && !line.contains(&id.to_string()),
        "{line}"
    );
}

#[tokio::test]
async fn a_failure_is_logged_once_with_its_chain_and_request_id() {
    let log = Log::capture();
    let server = Server::start();
    server.backend.break_down(true);
    let answer = server.get("/api/v1/executions").await;
    let lines = log.failure(&answer).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("the store `fake` is not available: connection refused"),
        "{lines:?}"
    );
    assert!(lines[0].contains(" WARN "), "{lines:?}");
}

#[tokio::test]
async fn a_defect_is_logged_as_an_error() {
    let log = Log::capture();
    let answer = submit_to_failing_store(|| StoreError::Corrupt {
        backend: "fake",
        id: execution_id(1),
        source: "not a record".into(),
    })
    .await;
    let lines = log.failure(&answer).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("ERROR "), "{lines:?}");
}

#[tokio::test]
async fn a_full_store_is_no_alarm() {
    let log = Log::capture();
    let answer = submit_to_failing_store(|| StoreError::Full {
        retry_after: Duration::from_secs(1),
    })
    .await;
    let lines = log.failure(&answer).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("DEBUG "), "{lines:?}");
}

#[tokio::test]
async fn a_refusal_while_draining_leaves_nothing_but_its_line() {
    let log = Log::capture();
    let server = Server::start();
    server.leaving.cancel();
    let submission = json!({"code": "x", "language": "python"});
    let answer = server.submit(&submission).await;
    answer.problem(503);
    let lines = log.of_request(&answer).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn a_refused_token_leaves_nothing_but_its_line() {
    let log = Log::capture();
    let server = Server::start();
    let request = server
        .client
        .get(server.url("/api/v1/auth/verify"))
        .bearer_auth("forged");
    let answer = Answer::to(request).await;
    answer.problem(401);
    let lines = log.of_request(&answer).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn keys_that_cannot_be_had_for_a_socket_are_logged_once_with_their_chain() {
    let log = Log::capture();
    let server = Server::start();
    let headers = [("x-request-id", "keyless-socket")];
    let mut socket = server.connect("1?token=keys-down", &headers).await;
    assert_eq!(socket.close_code().await, 1013);
    let lines = log.lines_with("a socket could not be served");
    let mine = lines.iter().filter(|line| line.contains("keyless-socket"));
    let mine: Vec<_> = mine.collect();
    assert_eq!(mine.len(), 1, "{lines:?}");
    assert!(mine[0].contains(" WARN "), "{mine:?}");
    assert!(mine[0].contains(": connection refused"), "{mine:?}");
}

#[tokio::test]
async fn a_socket_that_vanishes_has_left_and_done_nothing_wrong() {
    let log = Log::capture();
    let server = Server::start();
    let id = server.backend.running();
    let headers = [("x-request-id", "vanishing")];
    let query = format!("{id}?token=alice");
    let mut socket = server.connect(&query, &headers).await;
    socket.next().await;
    drop(socket);
    let closed = || {
        let mut lines = log.lines_with("socket closed").into_iter();
        lines.find(|line| line.contains("vanishing"))
    };
    until(|| closed().is_some()).await;
    let line = closed().unwrap();
    assert!(
        !line.contains("code=") && line.contains("The client closed the connection"),
        "{line}"
    );
}
