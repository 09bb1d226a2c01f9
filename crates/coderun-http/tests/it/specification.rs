//! Checks the documents against the server: every method of a route, every answer and header they list, and every example.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{execution_id, report};
use coderun_domain::{
    ByteSize, ExecutionId, MockExecutionStore, Outcome, Output, Quota, StoreError, Verdict,
};
use coderun_http::AllowedHosts;
use reqwest::Method;

use crate::support::page::{development, page};
use crate::support::raw::submission_head;
use crate::support::request::Request;
use crate::support::specification::{
    Operation, errors_of, examples, messages_of, operations, references,
};
use crate::support::{Answer, Server, no_worker, until_async};

#[test]
fn every_example_is_valid() {
    let examples = examples();
    assert!(examples.len() > 40, "only {}", examples.len());
    for (schema, example) in examples {
        let errors = errors_of(&schema, &example);
        assert!(errors.is_empty(), "{errors:#?} in {example}");
    }
}

#[test]
fn both_documents_have_the_same_messages() {
    assert_eq!(messages_of("watch"), references("ServerMessage"));
    assert_eq!(messages_of("command"), references("ClientMessage"));
}

#[tokio::test]
async fn the_page_needs_nothing_but_itself() {
    let docs = Server::start().get("/docs").anonymous().await;
    for foreign in [
        "<script",
        "<style",
        "style=",
        "<link",
        "<img",
        "src=",
        "url(",
        "@import",
        "href=\"http",
        "href=\"/",
    ] {
        assert!(!docs.text.contains(foreign), "{foreign}");
    }
}

/// Its look and its script are files of the page, so that no policy needs to allow what stands in HTML.
#[tokio::test]
async fn the_page_of_the_api_has_the_look_of_the_page_for_people() {
    let server = Server::with(|config| config.page = page());
    let docs = server.get("/docs").anonymous().await;
    let (style, script) = ("assets/docs-1a2b3c4d.css", "assets/docs-5e6f7a8b.js");
    assert!(
        docs.text
            .contains(&format!("<link rel=\"stylesheet\" href=\"{style}\">"))
    );
    assert!(
        docs.text
            .contains(&format!("<script type=\"module\" src=\"{script}\">"))
    );
    let policy = docs.header("content-security-policy");
    assert!(!policy.contains("unsafe"), "{policy}");
    for source in [
        "script-src 'self';",
        "style-src 'self';",
        "connect-src 'self';",
    ] {
        assert!(policy.contains(source), "{policy}");
    }
    assert_eq!(docs.header("cache-control"), "no-cache");
    let again = server.get("/docs").anonymous();
    let again = again.header("if-none-match", docs.header("etag")).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn every_method_of_a_route_is_specified() {
    let server = Server::start();
    let mut paths: BTreeSet<_> = operations().into_iter().map(|it| it.path).collect();
    // It does not tell that it exists.
    paths.remove("/api/v1/auth/development-token");
    for path in paths {
        let answer = server.request(Method::PATCH, path).await;
        let allowed: BTreeSet<_> = answer.header("allow").split(", ").collect();
        let of_path = || operations().into_iter().filter(|it| it.path == path);
        let mut specified: BTreeSet<_> = of_path().map(|it| it.method.to_string()).collect();
        if specified.contains("GET") {
            specified.insert("HEAD".to_owned());
        }
        let specified: BTreeSet<_> = specified.iter().map(String::as_str).collect();
        assert_eq!(allowed, specified, "{path}");
    }
}

#[tokio::test]
async fn every_specified_answer_can_be_had_with_its_headers() {
    let mut received = Received::default();
    received.request_with_credentials().await;
    received.request_what_is_absent_or_down().await;
    received.send_bad_requests().await;
    received.send_bad_bodies().await;
    received.ask_for_other_answers().await;
    received.open_the_page().await;
    received.exceed_bounds().await;
    received.exceed_the_memory_of_bodies().await;
    let mut missing = BTreeSet::new();
    for operation in operations() {
        for answer in operation.answers() {
            // A defect of what every public route does cannot be caused from outside, nor one in the parsing of a body.
            let is_defect = operation.is_public && answer.contains(" 500")
                || answer == "submitBatch 500 ratelimit-policy";
            if !is_defect && !received.0.contains(&answer) {
                missing.insert(answer);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The answers so far, as `operation status` and, for each header, `operation status header`.
#[derive(Default)]
struct Received(BTreeSet<String>);

impl Received {
    fn add(&mut self, operation: &Operation, answer: &Answer) {
        let entry = format!("{} {}", operation.id, answer.status);
        for header in answer.headers.keys() {
            self.0.insert(format!("{entry} {header}"));
        }
        self.0.insert(entry);
    }

    /// Requests every operation of this server, for an execution that has ended.
    async fn request_all(&mut self, server: &Server, change: impl Fn(Request) -> Request) {
        for operation in operations() {
            let id = server.backend.finished().to_string();
            let answer = change(operation.request(server, &id, "")).await;
            self.add(&operation, &answer);
        }
    }

    /// Requests the operation of this id with this text after its path.
    async fn request(
        &mut self,
        (server, execution): (&Server, ExecutionId),
        (id, query): (&str, &str),
        change: impl Fn(Request) -> Request,
    ) {
        let operation = Operation::of_id(id);
        let request = operation.request(server, &execution.to_string(), query);
        self.add(&operation, &change(request).await);
    }

    async fn request_with_credentials(&mut self) {
        let server = Server::start();
        for change in [
            |request: Request| request,
            |request: Request| request.anonymous(),
            |request: Request| request.token("banned"),
            |request: Request| request.token("keys-down"),
            |request: Request| request.token("defect"),
            |request: Request| request.header("authorization", "Bearer alice"),
        ] {
            self.request_all(&server, change).await;
        }
    }

    async fn request_what_is_absent_or_down(&mut self) {
        let local = Server::with(|config| config.hosts = AllowedHosts::LoopbackOnly);
        let foreign = |request: Request| request.header("host", "rebound.example");
        self.request_all(&local, foreign).await;
        let without_worker = Server::with_fleet(no_worker());
        self.request_all(&without_worker, |request| request).await;
        let server = Server::start();
        for operation in operations() {
            let answer = operation.request(&server, "1", "").await;
            self.add(&operation, &answer);
        }
        let down = Server::start();
        down.backend.break_down(true);
        self.request_all(&down, |request| request).await;
    }

    async fn send_bad_requests(&mut self) {
        let (server, id) = Server::finished();
        for operation in [
            ("status", "?wait=x"),
            ("events", "?since=x"),
            ("list", "?limit=0"),
        ] {
            self.request((&server, id), operation, |it| it).await;
        }
        let outdated = |request: Request| {
            let request = request.header("connection", "upgrade");
            let request = request.header("upgrade", "websocket");
            request.header("sec-websocket-version", "12")
        };
        self.request((&server, id), ("watch", ""), outdated).await;
    }

    async fn send_bad_bodies(&mut self) {
        let server = Server::with(|config| {
            config.timeouts.request_body = Duration::from_millis(50);
        });
        for operation in operations().into_iter().filter(|it| it.body.is_some()) {
            let (method, path) = (operation.method.clone(), operation.path);
            for (media_type, body) in [
                ("application/json", "{".to_owned()),
                ("application/json", "{}".to_owned()),
                ("text/plain", "{}".to_owned()),
                ("application/json", " ".repeat((2 << 20) + 1)),
            ] {
                let request = server.request(method.clone(), path).body(body);
                let answer = request.header("content-type", media_type).await;
                self.add(&operation, &answer);
            }
            // What does not arrive at all in time.
            let request = server.request(method, path).body("");
            let answer = request.header("content-length", "9").await;
            self.add(&operation, &answer);
        }
    }

    async fn ask_for_other_answers(&mut self) {
        let (server, id) = Server::finished();
        let seen = ("events", "?since=3");
        self.request((&server, id), seen, |it| it).await;
        let (empty, unused) = (Server::start(), execution_id(9));
        for preference in ["wait=0", "respond-async"] {
            let prefer = |request: Request| request.header("prefer", preference);
            self.request((&empty, unused), ("submit", ""), prefer).await;
        }
        let running = Server::running();
        let running = (&running.0, running.1);
        self.request(running, ("cancel", ""), |it| it).await;
        let socket = running.0.watch(running.1).await;
        for header in socket.headers.keys() {
            self.0.insert(format!("watch 101 {header}"));
        }
        self.0.insert("watch 101".to_owned());
    }

    async fn open_the_page(&mut self) {
        let server = Server::with_sign_in(development(), |config| config.page = page());
        let origin = server.url("");
        let opening = |request: Request| {
            let request = request.header("accept", "text/html");
            request.header("origin", &origin)
        };
        self.request_all(&server, opening).await;
        let again = |request: Request| opening(request).header("if-none-match", "*");
        self.request_all(&server, again).await;
    }

    async fn exceed_the_memory_of_bodies(&mut self) {
        let server = Server::with(|config| {
            config.bodies_max = ByteSize::from_kib(64);
            config.sockets.send = Duration::from_millis(50);
            config.timeouts.request_body = Duration::from_secs(1);
        });
        let slow = submission_head("Content-Length: 100000").replace("alice", "mallory") + "{";
        let batch = Operation::of_id("submitBatch");
        // Until the server reads the other body first.
        until_async(async || {
            let _slow = server.send_raw(&slow).await;
            let request = server.request(batch.method.clone(), batch.path).body("");
            let answer = request.header("content-length", "100000").await;
            self.add(&batch, &answer);
            answer.status == 503
        })
        .await;
    }

    async fn exceed_bounds(&mut self) {
        let server = Server::with_store(Arc::new(store_with_a_spent_rate()));
        let id = execution_id(1);
        for operation in [("submit", ""), ("submitBatch", "")] {
            self.request((&server, id), operation, |it| it).await;
        }
        let server = Server::with_store(Arc::new(store_with_a_damaged_record()));
        self.request((&server, id), ("submit", ""), |it| it).await;
        let server = Server::with(|config| {
            config.sockets.per_user_max = 0;
        });
        let id = server.backend.running();
        let output = Output::complete(vec![b'x'; 64 << 10]);
        let report = report(Verdict::Accepted);
        let outcome = Outcome::of_run(report, output, Output::default(), None);
        server.backend.finish(id, outcome);
        server.tickets.fill();
        for operation in [
            ("status", "?wait=1"),
            ("events", ""),
            ("cancel", ""),
            ("issueTicket", ""),
        ] {
            self.request((&server, id), operation, |it| it).await;
        }
    }
}

fn store_with_a_spent_rate() -> MockExecutionStore {
    let mut store = MockExecutionStore::new();
    store.expect_submit().times(1).returning(|_, _| {
        Err(StoreError::QuotaExceeded {
            quota: Quota::SubmitsPerMinute,
            limit: 120,
            retry_after: Duration::from_secs(30),
        })
    });
    store
}

fn store_with_a_damaged_record() -> MockExecutionStore {
    let mut store = MockExecutionStore::new();
    store.expect_submit().returning(|execution, _| {
        Err(StoreError::Corrupt {
            backend: "fake",
            id: execution.id(),
            source: "damaged".into(),
        })
    });
    store
}
