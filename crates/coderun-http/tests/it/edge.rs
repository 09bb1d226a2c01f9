//! Checks what holds for every request.

use coderun_http::{AllowedHosts, AllowedOrigins};
use reqwest::Method;
use rstest::rstest;

use crate::support::{Answer, Server};

const PAGE: &str = "http://localhost:3000";
const EXECUTE: &str = "/api/v1/executions/execute";

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let server = Server::start();
    let answer = server.get("/nowhere/at/all?token=x").await;
    let problem = answer.problem(404);
    assert_eq!(problem["detail"], "Not Found");
    assert_eq!(problem["instance"], "/nowhere/at/all");
}

#[rstest]
#[case(Method::POST, "/health/", "GET, HEAD")]
#[case(Method::DELETE, "/api/v1/executions/status/1", "GET, HEAD")]
#[case(Method::GET, EXECUTE, "POST")]
#[case(Method::OPTIONS, EXECUTE, "POST")]
#[case(Method::POST, "/api/v1/executions/ws/1", "GET, HEAD")]
#[case(Method::POST, "/api/v1/executions/events/1/", "GET, HEAD")]
#[case(Method::GET, "/api/v1/executions/ticket/1", "POST")]
#[case(Method::DELETE, EXECUTE, "POST")]
#[case(Method::GET, "/api/v1/executions/1", "DELETE")]
#[case(Method::PUT, "/api/v1/executions", "GET, HEAD, DELETE")]
#[tokio::test]
async fn another_method_is_a_problem_that_names_the_allowed_ones(
    #[case] method: Method,
    #[case] path: &str,
    #[case] allowed: &str,
) {
    let answer = Server::start().request(method.clone(), path).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), allowed);
    if method != Method::HEAD {
        answer.problem(405);
    }
}

#[rstest]
#[tokio::test]
async fn head_is_get_without_the_body(
    #[values(
        "/",
        "/health",
        "/health/",
        "/health/ready",
        "/health/ready/",
        "/api/v1/languages",
        "/api/v1/languages/"
    )]
    path: &str,
) {
    let server = Server::start();
    let answer = server.request(Method::HEAD, path).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    let length = server.get(path).await.text.len();
    assert_eq!(answer.header("content-length"), length.to_string());
}

#[rstest]
#[tokio::test]
async fn every_answer_has_a_request_id(
    #[values("/health/", "/nowhere", "/api/v1/executions")] path: &str,
) {
    let server = Server::start();
    let answer = server.get(path).header("x-request-id", "client.1").await;
    assert_eq!(answer.header("x-request-id"), "client.1");
    let answer = server.get(path).await;
    assert_eq!(answer.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn answers_are_neither_cached_nor_sniffed() {
    let answer = Server::start().get("/api/v1/auth/verify").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn no_foreign_page_may_read_answers_by_default() {
    let answer = Server::start().get("/health/").header("origin", PAGE).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(answer.header("vary"), "Origin");
}

async fn preflight(server: &Server, origin: &str) -> Answer {
    let request = server.request(Method::OPTIONS, EXECUTE).anonymous();
    let request = request.header("access-control-request-method", "POST");
    request.header("origin", origin).await
}

#[tokio::test]
async fn a_preflight_of_a_foreign_page_is_refused() {
    let answer = preflight(&Server::start(), PAGE).await;
    answer.problem(403);
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_is_granted() {
    let server = Server::with(|config| config.origins = AllowedOrigins::AnyLoopback);
    let answer = preflight(&server, PAGE).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
    let methods = answer.header("access-control-allow-methods");
    assert_eq!(methods, "GET, HEAD, POST, DELETE");
    preflight(&server, "http://example.com").await.problem(403);
}

#[tokio::test]
async fn an_allowed_page_may_send_any_header() {
    let server = Server::with(|config| config.origins = AllowedOrigins::AnyLoopback);
    let request = server.request(Method::OPTIONS, EXECUTE).anonymous();
    let request = request.header("access-control-request-method", "POST");
    let request = request.header("access-control-request-headers", "authorization,x-trace-me");
    let answer = request.header("origin", PAGE).await;
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization,x-trace-me"
    );
}

#[rstest]
#[tokio::test]
async fn an_allowed_page_may_read_answers_and_their_headers(
    #[values("/health/", "/nowhere", "/api/v1/executions")] path: &str,
) {
    let origin = "https://play.example";
    let server = Server::with(|config| {
        config.origins = AllowedOrigins::List(vec![origin.to_owned()]);
    });
    let answer = server.get(path).header("origin", origin).await;
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "Allow, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"
    );
}

#[tokio::test]
async fn a_development_server_answers_loopback_names_only() {
    let server = Server::with(|config| config.hosts = AllowedHosts::LoopbackOnly);
    assert_eq!(server.get("/health/").await.status, 200);
    let request = server.get("/health/");
    let answer = request.header("host", "rebound.example:8001").await;
    answer.problem(421);
}
