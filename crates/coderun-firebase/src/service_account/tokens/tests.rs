use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use coderun_domain::ErrorChain;
use coderun_domain::testing::ManualClock;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::testing::server::{LoopbackServer, ReceivedRequest, Reply};
use crate::testing::{opened, skip, with, without};
use crate::users::testing::account_file;

const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn answer() -> Value {
    json!({"access_token": "access", "expires_in": 3600, "token_type": "Bearer"})
}

fn tokens_with(server: &LoopbackServer, deadline: Duration) -> AccessTokens {
    let file = account_file(&format!("{}/token", server.url()));
    let account = ServiceAccount::parse(file.to_string().as_bytes()).unwrap();
    let clock = Arc::new(ManualClock::default());
    AccessTokens::start(account, HttpClient::for_google().unwrap(), clock, deadline).unwrap()
}

fn tokens(server: &LoopbackServer) -> AccessTokens {
    tokens_with(server, TEST_TIMEOUT)
}

/// A server that numbers its tokens, until it goes away.
async fn numbering(expires_in: u64, is_away: &Arc<AtomicBool>) -> LoopbackServer {
    let (count, is_away) = (AtomicUsize::new(0), Arc::clone(is_away));
    LoopbackServer::start(move |_| {
        if is_away.load(Ordering::SeqCst) {
            return Reply::error(500, answer());
        }
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = with(answer(), "access_token", format!("access-{number}"));
        Reply::json(with(answer, "expires_in", expires_in))
    })
    .await
}

async fn current(tokens: &AccessTokens) -> String {
    match tokens.current().await {
        Ok(token) => token.bearer.expose().to_owned(),
        Err(error) => format!("error: {}", ErrorChain(&error)),
    }
}

/// The token after the request for the next token, if one is due, has ended.
async fn next(tokens: &AccessTokens) -> String {
    current(tokens).await;
    if let Some(flight) = tokens.token.flight() {
        flight.await;
    }
    current(tokens).await
}

fn is_rightly_signed(request: &ReceivedRequest) -> bool {
    let prefix = format!("grant_type={GRANT}&assertion=");
    let assertion = request.body.strip_prefix(&prefix).unwrap();
    opened(assertion).2
}

#[tokio::test]
async fn a_token_is_given_for_a_signed_assertion() {
    let server = LoopbackServer::start(|seen| {
        if is_rightly_signed(seen) {
            Reply::json(answer())
        } else {
            Reply::error(401, answer())
        }
    })
    .await;
    assert_eq!(current(&tokens(&server)).await, "access");
    let seen = server.seen();
    assert_eq!(seen[0].target, "POST /token");
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(
        seen[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[rstest]
#[case::of_an_hour_until_five_minutes_before_its_end(3600, 55)]
#[case::of_a_day_for_no_longer(86_400, 55)]
#[case::short_for_half_its_time(240, 2)]
#[tokio::test]
async fn all_callers_use_a_token_for_most_of_its_time(
    #[case] expires_in: u64,
    #[case] used_minutes: u64,
) {
    let server = numbering(expires_in, &Arc::default()).await;
    let tokens = tokens(&server);
    let first = join_all((0..100).map(|_| current(&tokens))).await;
    assert!(first.iter().all(|it| it == "access-1"), "{first:?}");
    skip(Duration::from_mins(used_minutes - 1)).await;
    assert_eq!(next(&tokens).await, "access-1");
    skip(Duration::from_mins(1)).await;
    assert_eq!(next(&tokens).await, "access-2");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_token_is_used_to_its_end_if_there_is_no_other() {
    let is_away = Arc::default();
    let server = numbering(3600, &is_away).await;
    let tokens = tokens(&server);
    assert_eq!(current(&tokens).await, "access-1");
    is_away.store(true, Ordering::SeqCst);
    skip(Duration::from_mins(56)).await;
    assert_eq!(next(&tokens).await, "access-1");
    assert_eq!(current(&tokens).await, "access-1");
    assert_eq!(server.seen().len(), 2);
    skip(Duration::from_mins(4)).await;
    assert!(current(&tokens).await.starts_with("error: "));
    is_away.store(false, Ordering::SeqCst);
    skip(Duration::from_secs(1)).await;
    assert_eq!(current(&tokens).await, "access-2");
}

#[rstest]
#[case::no_token(Reply::json(without(answer(), "access_token")))]
#[case::empty_token(Reply::json(with(answer(), "access_token", "")))]
#[case::token_with_a_line_feed(Reply::json(with(answer(), "access_token", "a\r\nb")))]
#[case::long_token(Reply::json(with(answer(), "access_token", "a".repeat(8193))))]
#[case::token_number(Reply::json(with(answer(), "access_token", 1)))]
#[case::other_type(Reply::json(with(answer(), "token_type", "mac")))]
#[case::over_at_once(Reply::json(with(answer(), "expires_in", 0)))]
#[case::over_before(Reply::json(with(answer(), "expires_in", -1)))]
#[case::end_as_text(Reply::json(with(answer(), "expires_in", "3600")))]
#[case::array(Reply::json(json!([answer()])))]
#[case::page(Reply::ok("<html>secret-body</html>"))]
#[case::refused(Reply::error(400, answer()))]
#[case::redirect(Reply::status("307 X", "location: /good\r\n", ""))]
#[case::huge(Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 4096], Duration::ZERO))]
#[case::reset(Reply::Reset)]
#[tokio::test]
async fn another_answer_gives_no_token(#[case] reply: Reply) {
    let server = LoopbackServer::start(move |seen| match seen.target.as_str() {
        "POST /token" => reply.clone(),
        _ => Reply::json(answer()),
    })
    .await;
    let tokens = tokens(&server);
    let first = current(&tokens).await;
    assert!(first.starts_with("error: "), "{first}");
    for hidden in ["secret-body", "127.0.0.1", "eyJ"] {
        assert!(!first.contains(hidden), "{first}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn after_a_failure_no_token_is_requested_for_a_second() {
    let is_away = Arc::new(AtomicBool::new(true));
    let server = numbering(3600, &is_away).await;
    let tokens = tokens(&server);
    for expected in 1..4 {
        for _ in 0..50 {
            assert!(current(&tokens).await.starts_with("error: "));
        }
        assert_eq!(server.seen().len(), expected);
        skip(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_token_that_is_good_for_a_while_is_used_while_the_next_one_is_slow() {
    let is_slow = Arc::new(AtomicBool::new(false));
    let script = Arc::clone(&is_slow);
    let server = LoopbackServer::start(move |_| {
        if script.load(Ordering::SeqCst) {
            Reply::Stall(Vec::new())
        } else {
            Reply::json(answer())
        }
    })
    .await;
    let tokens = tokens(&server);
    assert_eq!(current(&tokens).await, "access");
    is_slow.store(true, Ordering::SeqCst);
    skip(Duration::from_mins(56)).await;
    for _ in 0..10 {
        let now = tokens.current().now_or_never();
        assert!(now.is_some_and(|token| token.is_ok()));
    }
}

#[tokio::test]
async fn a_slow_answer_gives_no_token() {
    let server = LoopbackServer::start(|_| Reply::Stall(Vec::new())).await;
    let tokens = tokens_with(&server, Duration::from_millis(200));
    let error = current(&tokens).await;
    assert!(error.contains("did not answer within 200ms"), "{error}");
}

#[tokio::test]
async fn no_secret_is_shown() {
    let server = numbering(3600, &Arc::default()).await;
    let tokens = tokens(&server);
    let token = tokens.current().await.unwrap();
    let shown = format!("{tokens:?} {token:?}");
    for hidden in ["access-1", "PRIVATE", "MII"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
