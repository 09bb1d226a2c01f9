//! Checks that the page of the server itself gets a token, and nobody else.

use coderun_http::{AllowedHosts, AllowedOrigins, SignIn};
use reqwest::Method;
use rstest::rstest;

use crate::support::page::{development, emulator, firebase};
use crate::support::request::Request;
use crate::support::{Answer, Server};

const PATH: &str = "/api/v1/auth/development-token";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// A server as it runs on a developer's machine.
fn server() -> Server {
    with_sign_in(development())
}

fn with_sign_in(sign_in: impl Into<Option<SignIn>>) -> Server {
    Server::with_sign_in(sign_in, |config| {
        config.origins = AllowedOrigins::AnyLoopback;
    })
}

/// A request without the headers that a browser adds.
fn bare(server: &Server) -> Request {
    server.post(PATH).anonymous()
}

/// A request as a browser sends it from a page of this server.
fn from_page(server: &Server) -> Request {
    bare(server).header("origin", server.url(""))
}

/// Checks that the answer is the same as that of a path that does not exist, and that no page may read it.
async fn assert_hidden(server: &Server, answer: &Answer) {
    let mut problem = answer.problem(404);
    let mut unknown = server
        .post("/api/v1/auth/nothing")
        .anonymous()
        .await
        .problem(404);
    (problem["instance"], unknown["instance"]) = Default::default();
    assert_eq!(problem, unknown);
    assert_eq!(answer.header(ALLOW_ORIGIN), "");
    assert_eq!(answer.header("allow"), "");
}

#[tokio::test]
async fn the_page_of_the_server_gets_a_token_for_an_hour() {
    let server = server();
    let answer = from_page(&server).await;
    assert_eq!(answer.text, r#"{"token":"developer","expires_in":3600}"#);
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = from_page(&server)
        .header("sec-fetch-site", "same-origin")
        .await;
    assert_eq!(answer.status, 200);
}

#[rstest]
#[tokio::test]
async fn every_name_of_this_machine_will_do(
    #[values("localhost:8001", "127.0.0.1", "[::1]:8001", "a.localhost:8001")] host: &str,
) {
    let server = server();
    let request = bare(&server).header("host", host);
    let answer = request.header("origin", format!("http://{host}")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_without_an_origin_gets_none() {
    let server = server();
    assert_hidden(&server, &bare(&server).await).await;
}

/// That of a sandboxed frame, which may be of any site.
#[tokio::test]
async fn the_origin_null_gets_none() {
    let server = server();
    let answer = bare(&server).header("origin", "null").await;
    assert_hidden(&server, &answer).await;
}

#[rstest]
#[case::other_port("http://127.0.0.1:1")]
#[case::no_port("http://127.0.0.1")]
#[case::other_name("http://localhost:{port}")]
#[case::other_site("https://evil.example")]
#[case::other_scheme("https://127.0.0.1:{port}")]
#[case::longer("http://127.0.0.1:{port}.evil.example")]
#[case::path("http://127.0.0.1:{port}/")]
#[case::bare("127.0.0.1:{port}")]
#[case::upper_case("HTTP://127.0.0.1:{port}")]
#[tokio::test]
async fn a_page_of_another_origin_gets_none(#[case] origin: &str) {
    let server = server();
    let origin = origin.replace("{port}", &server.address.port().to_string());
    let answer = bare(&server).header("origin", origin).await;
    assert_hidden(&server, &answer).await;
}

#[tokio::test]
async fn two_origins_get_none() {
    let server = server();
    let answer = from_page(&server).header("origin", server.url("")).await;
    assert_hidden(&server, &answer).await;
}

/// A name of another site may lead to this machine (DNS rebinding).
#[rstest]
#[case("rebound.example")]
#[case("127.0.0.1.rebound.example")]
#[case("192.168.0.2:8001")]
#[case("0.0.0.0:8001")]
#[tokio::test]
async fn a_page_of_a_foreign_name_gets_none(#[case] host: &str) {
    let server = Server::with_sign_in(development(), |config| {
        (config.origins, config.hosts) = (AllowedOrigins::AnyLoopback, AllowedHosts::Any);
    });
    let request = bare(&server).header("host", host);
    let answer = request.header("origin", format!("http://{host}")).await;
    assert_hidden(&server, &answer).await;
}

#[rstest]
#[tokio::test]
async fn what_the_browser_calls_another_site_gets_none(
    #[values("cross-site", "same-site", "none", "", "Same-Origin")] site: &str,
) {
    let server = server();
    let answer = from_page(&server).header("sec-fetch-site", site).await;
    assert_hidden(&server, &answer).await;
    let twice = from_page(&server).header("sec-fetch-site", "same-origin");
    let answer = twice.header("sec-fetch-site", site).await;
    assert_hidden(&server, &answer).await;
}

#[rstest]
#[tokio::test]
async fn a_request_through_a_proxy_gets_none(
    #[values(
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-real-ip"
    )]
    header: &str,
) {
    let server = server();
    let answer = from_page(&server).header(header, "127.0.0.1").await;
    assert_hidden(&server, &answer).await;
}

/// As nginx sends what it passes on, if nothing else is set, under the name of the server behind it. Browsers do not.
#[rstest]
#[case("1.0", "404")]
#[case("1.1", "200")]
#[tokio::test]
async fn a_request_of_an_old_version_gets_none(#[case] version: &str, #[case] status: &str) {
    let server = server();
    let host = server.address;
    let head = format!(
        "POST {PATH} HTTP/{version}\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    let answer = server.send_raw(head).await.read_to_end().await;
    assert!(
        answer.starts_with(&format!("HTTP/{version} {status} ")),
        "{answer}"
    );
}

#[rstest]
#[tokio::test]
async fn only_the_development_issuer_gives_tokens_away(
    #[values(None, Some(firebase()), Some(emulator()))] sign_in: Option<SignIn>,
) {
    let server = with_sign_in(sign_in);
    assert_hidden(&server, &from_page(&server).await).await;
}

#[rstest]
#[tokio::test]
async fn the_route_has_no_other_method(
    #[values(
        Method::GET,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS
    )]
    method: Method,
) {
    let server = server();
    let request = server.request(method, PATH).anonymous();
    let answer = request.header("origin", server.url("")).await;
    assert_hidden(&server, &answer).await;
}

/// CORS lets pages of other loopback ports use the API, but not this route, however its path is written.
#[rstest]
#[case(PATH)]
#[case("/api/v1/auth/development-token/")]
#[case("/api/v1/auth/development%2dtoken")]
#[case("/api/v1/auth/%64evelopment-token/")]
#[tokio::test]
async fn a_preflight_is_not_granted(#[case] path: &str) {
    const OTHER: &str = "http://127.0.0.1:3000";
    let named = AllowedOrigins::List(vec![OTHER.to_owned()]);
    for origins in [AllowedOrigins::AnyLoopback, named] {
        let server = Server::with_sign_in(development(), |config| config.origins = origins);
        let preflight = server.request(Method::OPTIONS, path).anonymous();
        let preflight = preflight.header("access-control-request-method", "POST");
        let answer = Answer::of(preflight.header("origin", OTHER).send().await).await;
        assert_hidden(&server, &answer).await;
        let post = server.post(path).anonymous().header("origin", OTHER);
        assert_hidden(&server, &Answer::of(post.send().await).await).await;
    }
}

#[rstest]
#[case(None, "null")]
#[case(Some(development()), r#"{"kind":"development"}"#)]
#[case(
    Some(firebase()),
    r#"{"api_key":"AIza","auth_domain":"p.firebaseapp.com","kind":"firebase","project_id":"p"}"#
)]
#[case(
    Some(emulator()),
    r#"{"host":"127.0.0.1:9099","kind":"emulator","project_id":"demo-p"}"#
)]
#[tokio::test]
async fn clients_learn_how_people_sign_in(#[case] sign_in: Option<SignIn>, #[case] expected: &str) {
    let server = with_sign_in(sign_in);
    let capabilities = server.get("/api/v1/capabilities").anonymous().await;
    assert_eq!(capabilities.json()["sign_in"].to_string(), expected);
}
