//! What holds for every request.

use coderun_http::{AllowedHosts, AllowedOrigins};
use reqwest::Method;

use crate::support::{Answer, Server};

async fn call(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.client.request(method, server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::to(request).await
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let server = Server::start();
    let answer = server.get("/nowhere/at/all?token=x").await;
    let problem = answer.problem(404);
    assert_eq!(problem["detail"], "Not Found");
    assert_eq!(problem["instance"], "/nowhere/at/all");
}

#[tokio::test]
async fn another_method_is_a_problem_that_names_those_allowed() {
    let server = Server::start();
    for (method, path, allowed) in [
        (Method::POST, "/health/", "GET, HEAD"),
        (Method::DELETE, "/api/v1/executions/status/1", "GET, HEAD"),
        (Method::GET, "/api/v1/executions/execute", "POST"),
        (Method::OPTIONS, "/api/v1/executions/execute", "POST"),
        (Method::POST, "/api/v1/executions/ws/1", "GET"),
        (Method::HEAD, "/api/v1/executions/events/1", "GET"),
        (Method::DELETE, "/api/v1/executions/execute", "POST"),
        (Method::GET, "/api/v1/executions/1", "DELETE"),
        (Method::PUT, "/api/v1/executions", "GET, HEAD, DELETE"),
    ] {
        let has_body = method != Method::HEAD;
        let answer = call(&server, method, path, &[]).await;
        if has_body {
            answer.problem(405);
        }
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), allowed, "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start();
    for path in [
        "/",
        "/health",
        "/health/",
        "/health/ready",
        "/api/v1/languages",
    ] {
        let answer = call(&server, Method::HEAD, path, &[]).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
        let length = server.get(path).await.text.len();
        assert_eq!(answer.header("content-length"), length.to_string());
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let server = Server::start();
    let headers = [("x-request-id", "from-the-client.1")];
    for path in ["/health/", "/nowhere", "/api/v1/executions"] {
        let answer = call(&server, Method::GET, path, &headers).await;
        assert_eq!(answer.header("x-request-id"), "from-the-client.1");
        let answer = call(&server, Method::GET, path, &[]).await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
}

#[tokio::test]
async fn answers_are_neither_cached_nor_sniffed() {
    let server = Server::start();
    let answer = server.get("/api/v1/auth/verify").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn no_foreign_page_may_read_answers_by_default() {
    let server = Server::start();
    let headers = [("origin", "http://localhost:3000")];
    let answer = call(&server, Method::GET, "/health/", &headers).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(answer.header("vary"), "Origin");
}

async fn preflight(server: &Server, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
    ];
    let path = "/api/v1/executions/execute";
    call(server, Method::OPTIONS, path, &headers).await
}

#[tokio::test]
async fn a_preflight_of_a_foreign_page_is_refused() {
    let server = Server::start();
    let answer = preflight(&server, "http://localhost:3000").await;
    answer.problem(403);
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_is_granted() {
    let server = Server::with(|config| config.origins = AllowedOrigins::AnyLoopback);
    let answer = preflight(&server, "http://localhost:3000").await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "http://localhost:3000"
    );
    let methods = answer.header("access-control-allow-methods");
    assert_eq!(methods, "GET, HEAD, POST, DELETE");
    let headers = answer.header("access-control-allow-headers");
    let expected = "Authorization, Content-Type, Last-Event-ID, Traceparent, X-Request-Id";
    assert_eq!(headers, expected);
    preflight(&server, "http://example.com").await.problem(403);
}

#[tokio::test]
async fn an_allowed_page_may_read_answers_and_their_headers() {
    let server = Server::with(|config| {
        config.origins = AllowedOrigins::List(vec!["https://play.example".to_owned()]);
    });
    let headers = [("origin", "https://play.example")];
    for path in ["/health/", "/nowhere", "/api/v1/executions"] {
        let answer = call(&server, Method::GET, path, &headers).await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, "https://play.example", "{path}");
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
        );
    }
}

#[tokio::test]
async fn in_development_only_loopback_names_are_answered() {
    let server = Server::with(|config| config.hosts = AllowedHosts::LoopbackOnly);
    assert_eq!(server.get("/health/").await.status, 200);
    let headers = [("host", "rebound.example:8001")];
    let answer = call(&server, Method::GET, "/health/", &headers).await;
    answer.problem(421);
}
