//! Checks how the page for people is served: to whom, with which headers, and what is not sent again.

use std::io::Read as _;

use coderun_http::{AllowedOrigins, SignIn};
use flate2::read::GzDecoder;
use reqwest::Method;
use rstest::rstest;

use crate::support::page::{INDEX, SCRIPT, development, emulator, firebase, page};
use crate::support::{Answer, Server};

const ASSET: &str = "/assets/app-1a2b3c4d.js";
const POLICY: &str = "content-security-policy";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// A server with a page.
fn server() -> Server {
    with_sign_in(None)
}

fn with_sign_in(sign_in: impl Into<Option<SignIn>>) -> Server {
    Server::with_sign_in(sign_in, |config| config.page = page())
}

/// The page itself.
async fn open(server: &Server) -> Answer {
    server
        .get("/")
        .anonymous()
        .header("accept", "text/html")
        .await
}

#[rstest]
#[case::browser(
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    true
)]
#[case::less_wanted("application/json, text/html;q=0.1", true)]
#[case::unwanted("text/html;q=0, */*", false)]
#[case::anything("*/*", false)]
#[case::any_text("text/*", false)]
#[case::json("application/json", false)]
#[tokio::test]
async fn the_page_is_for_those_who_name_html(#[case] accept: &str, #[case] is_page: bool) {
    let server = server();
    let answer = server.get("/").anonymous().header("accept", accept).await;
    assert_eq!(
        (answer.status, answer.header("vary").starts_with("Accept")),
        (200, true)
    );
    if is_page {
        assert_eq!(answer.text, INDEX);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    } else {
        assert_eq!(answer.json()["status"], "running");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn who_accepts_nothing_in_particular_gets_json() {
    let server = server();
    let mut connection = server.send_raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = connection.read_until("\"features\"").await;
    assert!(
        answer.contains("content-type: application/json"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_service_without_a_page_answers_json_to_all() {
    let server = Server::start();
    let answer = open(&server).await;
    assert_eq!(answer.json()["status"], "running");
    assert_eq!(answer.header("vary"), "Accept");
    for path in [ASSET, "/embed.js", "/favicon.svg", "/favicon.ico"] {
        let answer = server.get(path).anonymous().await;
        assert_eq!(answer.problem(404)["detail"], "Not Found", "{path}");
    }
}

#[rstest]
#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere(
    #[values(None, Some(development()))] sign_in: Option<SignIn>,
) {
    let page = open(&with_sign_in(sign_in)).await;
    assert_eq!(
        page.header(POLICY),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        "same-origin-allow-popups"
    );
    assert_eq!(
        page.header("permissions-policy"),
        "camera=(), microphone=(), geolocation=()"
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

/// Tokens of development are given to requests with an origin alone, which `no-referrer` can take away.
#[rstest]
#[case(None, "same-origin")]
#[case(Some(development()), "same-origin")]
#[case(Some(emulator()), "same-origin")]
#[case::keys_can_be_restricted_to_origins(Some(firebase()), "strict-origin")]
#[tokio::test]
async fn the_page_names_itself_where_that_is_needed(
    #[case] sign_in: Option<SignIn>,
    #[case] policy: &str,
) {
    let page = open(&with_sign_in(sign_in)).await;
    assert_eq!(page.header("referrer-policy"), policy);
}

#[rstest]
#[case(
    firebase(),
    &[
        "script-src 'self' https://apis.google.com;",
        "connect-src 'self' https://identitytoolkit.googleapis.com https://securetoken.googleapis.com;",
        "frame-src https://p.firebaseapp.com",
    ]
)]
#[case(
    emulator(),
    &["script-src 'self';", "connect-src 'self' http://127.0.0.1:9099;", "frame-src http://127.0.0.1:9099"]
)]
#[tokio::test]
async fn the_page_reaches_what_its_sign_in_needs(
    #[case] sign_in: SignIn,
    #[case] expected: &[&str],
) {
    let page = open(&with_sign_in(sign_in)).await;
    let policy = page.header(POLICY);
    for part in expected {
        assert!(policy.contains(part), "{part} in {policy}");
    }
}

/// Browsers keep the policy of what they need not load again.
#[tokio::test]
async fn another_policy_is_another_version_of_the_page() {
    let (without, with) = (open(&server()).await, open(&with_sign_in(firebase())).await);
    assert_eq!(without.text, with.text);
    assert_ne!(without.header("etag"), with.header("etag"));
}

#[rstest]
#[case::same("{}", 304)]
#[case::without_weakness("{strong}", 304)]
#[case::list("\"other\", {}, W/\"third\"", 304)]
#[case::any("*", 304)]
#[case::another("W/\"other\"", 200)]
#[case::nonsense("other", 200)]
#[tokio::test]
async fn a_page_that_the_client_has_is_not_sent_again(#[case] tags: &str, #[case] status: u16) {
    let server = server();
    for path in ["/", "/embed.js", "/favicon.svg", "/favicon.ico", ASSET] {
        let ask = || server.get(path).anonymous().header("accept", "text/html");
        let first = ask().await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        let tags = tags.replace("{strong}", tag.trim_start_matches("W/"));
        let again = ask()
            .header("if-none-match", tags.replace("{}", &tag))
            .await;
        assert_eq!(
            (again.status, again.text.is_empty()),
            (status, status == 304),
            "{path}"
        );
        for header in ["etag", "cache-control", "vary", POLICY, ALLOW_ORIGIN] {
            assert_eq!(
                again.header(header),
                first.header(header),
                "{header} of {path}"
            );
        }
    }
}

#[rstest]
#[case("/", "no-cache")]
#[case("/embed.js", "no-cache")]
#[case("/favicon.svg", "no-cache")]
#[case("/favicon.ico", "no-cache")]
#[case(ASSET, "public, max-age=31536000, immutable")]
#[case("/assets/none-1a2b3c4d.js", "no-store")]
#[tokio::test]
async fn only_what_never_changes_is_kept_unasked(#[case] path: &str, #[case] expected: &str) {
    let server = server();
    let answer = server
        .get(path)
        .anonymous()
        .header("accept", "text/html")
        .await;
    assert_eq!(answer.header("cache-control"), expected);
}

#[rstest]
#[tokio::test]
async fn pages_of_any_origin_may_load_the_element_and_its_parts(
    #[values("/embed.js", ASSET)] path: &str,
    #[values("https://course.example", "http://localhost:3000", "null")] origin: &str,
    #[values(
        AllowedOrigins::None,
        AllowedOrigins::AnyLoopback,
        AllowedOrigins::List(vec!["https://course.example".to_owned()])
    )]
    origins: AllowedOrigins,
) {
    let server = Server::with(|config| (config.page, config.origins) = (page(), origins));
    let answer = server.get(path).anonymous().header("origin", origin).await;
    let allowed: Vec<_> = answer.headers.get_all(ALLOW_ORIGIN).iter().collect();
    assert_eq!(allowed, ["*"]);
    assert_eq!(
        answer.header("cross-origin-resource-policy"),
        "cross-origin"
    );
    assert_eq!(answer.header("vary"), "Accept-Encoding");
}

#[tokio::test]
async fn pages_of_other_origins_may_not_read_the_page() {
    let server = server();
    let request = server.get("/").anonymous().header("accept", "text/html");
    let answer = request.header("origin", "https://course.example").await;
    assert_eq!(answer.header(ALLOW_ORIGIN), "");
    assert_eq!(answer.header("cross-origin-resource-policy"), "");
}

#[rstest]
#[case("/assets/..%2Findex.html")]
#[case("/assets/%2e%2e%2Fembed.js")]
#[case("/assets/index.html")]
#[case("/assets/")]
#[case("/assets/app-1a2b3c4d.js/x")]
#[case("/index.html")]
#[tokio::test]
async fn nothing_else_is_served(#[case] path: &str) {
    let answer = server().get(path).anonymous().await;
    assert_eq!(answer.problem(404)["detail"], "Not Found");
}

#[rstest]
#[tokio::test]
async fn the_head_of_a_file_is_that_of_the_whole(
    #[values("/", "/embed.js", "/favicon.svg", "/favicon.ico", ASSET)] path: &str,
    #[values("", "gzip")] encoding: &str,
) {
    let server = server();
    let ask = |method| {
        let request = server.request(method, path).anonymous();
        request
            .header("accept", "text/html")
            .header("accept-encoding", encoding)
    };
    let head = ask(Method::HEAD).await;
    let whole = ask(Method::GET).send().await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    for name in [
        "content-length",
        "content-encoding",
        "content-type",
        "etag",
        "cache-control",
    ] {
        assert_eq!(
            Some(head.header(name)).filter(|it| !it.is_empty()),
            whole.headers().get(name).map(|it| it.to_str().unwrap()),
            "{name}"
        );
    }
    assert_eq!(
        head.header("content-length"),
        whole.bytes().await.unwrap().len().to_string()
    );
}

#[rstest]
#[case("/", "gzip, deflate, br", true)]
#[case(ASSET, "gzip;q=0.5", true)]
#[case("/embed.js", "GZIP", true)]
#[case(ASSET, "gzip;q=0, identity", false)]
#[case(ASSET, "br", false)]
#[case(ASSET, "*", false)]
#[case(ASSET, "", false)]
#[case::not_a_text("/assets/mono-1a2b3c4d.woff2", "gzip", false)]
#[tokio::test]
async fn texts_are_compressed_for_those_who_take_that(
    #[case] path: &str,
    #[case] accepted: &str,
    #[case] is_compressed: bool,
) {
    let server = server();
    for _ in 0..2 {
        let request = server.get(path).anonymous().header("accept", "text/html");
        let answer = request.header("accept-encoding", accepted).send().await;
        let encoding = answer.headers().get("content-encoding").cloned();
        assert_eq!(encoding.is_some_and(|it| it == "gzip"), is_compressed);
        let body = answer.bytes().await.unwrap();
        if is_compressed {
            let mut text = String::new();
            GzDecoder::new(body.as_ref())
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, if path == "/" { INDEX } else { SCRIPT });
        } else {
            assert_eq!(body, SCRIPT);
        }
    }
}

#[rstest]
#[case("/", "Accept, Accept-Encoding")]
#[case(ASSET, "Accept-Encoding")]
#[case("/assets/mono-1a2b3c4d.woff2", "")]
#[tokio::test]
async fn caches_learn_what_an_answer_depends_on(#[case] path: &str, #[case] expected: &str) {
    let server = server();
    let answer = server
        .get(path)
        .anonymous()
        .header("accept", "text/html")
        .send()
        .await;
    let lines = answer.headers().get_all("vary").iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
    assert_eq!(lines.join(", "), expected);
}

#[tokio::test]
async fn a_part_of_a_file_cannot_be_asked_for() {
    let server = server();
    let answer = server
        .get(ASSET)
        .anonymous()
        .header("range", "bytes=0-3")
        .await;
    assert_eq!((answer.status, answer.text.as_str()), (200, SCRIPT));
}
