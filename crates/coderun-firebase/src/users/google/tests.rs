use std::time::Duration;

use coderun_domain::testing::{ManualClock, at};
use coderun_domain::{ErrorChain, FailureKind, TokenVerifier as _};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::testing::server::{LoopbackServer, ReceivedRequest, Reply, account_info};
use crate::testing::{self, Log, config, forged, good, skip, verifier};
use crate::users::testing::{account_file, account_id, check, verdict};

/// Longer than any test should take, so that only those on slowness meet the deadline.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
const LOOKUP: &str = "POST /v1/projects/demo-project/accounts:lookup";

fn alice(more: &Value) -> Value {
    account_info("alice", more)
}

/// A good answer of just this length.
fn padded(length: usize) -> Vec<u8> {
    let mut body = alice(&json!({})).to_string().into_bytes();
    body.resize(length, b' ');
    body
}

/// A server that issues tokens, and answers lookups by this script.
async fn server(
    script: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
) -> LoopbackServer {
    LoopbackServer::start(move |seen| {
        if seen.target == "POST /token" {
            Reply::json(
                json!({"access_token": "access", "expires_in": 3599, "token_type": "Bearer"}),
            )
        } else {
            script(seen)
        }
    })
    .await
}

fn account(server: &LoopbackServer) -> ServiceAccount {
    let file = account_file(&format!("{}/token", server.url()));
    ServiceAccount::parse(file.to_string().as_bytes()).unwrap()
}

fn lookup_config(server: &LoopbackServer) -> AccountLookupConfig {
    let base = server.url().parse().unwrap();
    let mut config = AccountLookupConfig::new(config().project_id, base);
    config.cache.deadline = TEST_TIMEOUT;
    config
}

fn start(config: AccountLookupConfig, server: &LoopbackServer) -> AccountLookup {
    AccountLookup::start(config, account(server), Arc::new(ManualClock::default())).unwrap()
}

fn lookup(server: &LoopbackServer) -> AccountLookup {
    start(lookup_config(server), server)
}

fn lookups(server: &LoopbackServer) -> Vec<ReceivedRequest> {
    let mut seen = server.seen();
    seen.retain(|it| it.target.ends_with("accounts:lookup"));
    seen
}

#[tokio::test]
async fn the_request_is_that_of_the_identity_toolkit() {
    let server = server(|_| Reply::json(alice(&json!({})))).await;
    assert_eq!(verdict(&lookup(&server), "alice").await, "admitted");
    let seen = lookups(&server);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].target, LOOKUP);
    assert_eq!(seen[0].header("authorization"), Some("Bearer access"));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(seen[0].body, r#"{"localId":["alice"]}"#);
}

#[tokio::test]
async fn a_user_of_a_tenant_is_asked_for_in_the_tenant() {
    let server = server(|_| Reply::json(alice(&json!({"tenantId": "acme"})))).await;
    let alice = account_id("alice", Some("acme"));
    lookup(&server).check_sign_in(alice, at(10)).await.unwrap();
    let target = "POST /v1/projects/demo-project/tenants/acme/accounts:lookup";
    assert_eq!(lookups(&server)[0].target, target);
}

#[rstest]
#[case::no_content(Reply::error(204, json!({})))]
#[case::partial(Reply::error(206, alice(&json!({}))))]
#[case::created(Reply::error(201, alice(&json!({}))))]
#[case::bad_request(Reply::error(400, alice(&json!({}))))]
#[case::unauthorized(Reply::error(401, alice(&json!({}))))]
#[case::forbidden(Reply::error(403, alice(&json!({}))))]
#[case::not_found(Reply::error(404, alice(&json!({}))))]
#[case::too_many_requests(Reply::error(429, alice(&json!({}))))]
#[case::internal_error(Reply::error(500, alice(&json!({}))))]
#[case::unavailable(Reply::error(503, alice(&json!({}))))]
#[case::redirect(Reply::status("307 X", "location: /good\r\n", ""))]
#[case::empty(Reply::ok(""))]
#[case::page(Reply::ok("<html>secret-body</html>"))]
#[case::another_user(Reply::json(json!({"users": [{"localId": "bob"}]})))]
#[case::wrong_type(Reply::json(alice(&json!({"disabled": "secret-body"}))))]
#[case::error_in_the_body(Reply::json(json!({"error": {"message": "secret-body"}})))]
#[case::one_byte_too_long(Reply::ok(padded(64 * 1024 + 1)))]
#[case::endless(Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 4096], Duration::ZERO))]
#[case::reset(Reply::Reset)]
#[case::closed(Reply::Bytes(Vec::new()))]
#[case::garbage(Reply::Bytes(b"220 mail.example.com ESMTP\r\n".to_vec()))]
#[tokio::test]
async fn another_answer_is_no_answer(#[case] reply: Reply) {
    let server = server(move |seen| match seen.target.as_str() {
        LOOKUP => reply.clone(),
        _ => Reply::json(alice(&json!({}))),
    })
    .await;
    let error = check(&lookup(&server), "alice").await.unwrap_err();
    assert_eq!(error.reason(), "users-unavailable");
    assert_eq!(error.kind(), FailureKind::Unavailable);
    let text = format!("{} {error:?}", ErrorChain(&error));
    for hidden in ["secret-body", "access", "127.0.0.1", "alice"] {
        assert!(!text.contains(hidden), "{text}");
    }
    assert_eq!(lookups(&server).len(), 1);
}

#[tokio::test]
async fn an_answer_may_be_just_as_long_as_allowed() {
    let server = server(|_| Reply::ok(padded(64 * 1024))).await;
    assert_eq!(verdict(&lookup(&server), "alice").await, "admitted");
}

#[rstest]
#[case::silence(Reply::Stall(Vec::new()))]
#[case::half_an_answer(Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()))]
#[tokio::test]
async fn a_slow_answer_is_no_answer(#[case] reply: Reply) {
    let server = server(move |_| reply.clone()).await;
    let mut config = lookup_config(&server);
    config.cache.deadline = Duration::from_millis(200);
    assert_eq!(
        verdict(&start(config, &server), "alice").await,
        "users-unavailable"
    );
}

#[rstest]
#[case::unauthorized(401)]
#[case::forbidden(403)]
#[tokio::test]
async fn a_refused_service_account_is_logged_once_and_shows_no_secret(#[case] status: u16) {
    let server = server(move |_| Reply::error(status, json!({"error": "secret-body"}))).await;
    let lookup = lookup(&server);
    let log = Log::default();
    let guard = log.listen();
    for number in 0..3 {
        let name = format!("user-{number}");
        assert!(check(&lookup, &name).await.is_err());
    }
    drop(guard);
    let text = log.text();
    assert_eq!(log.count(" WARN "), 1, "{text}");
    assert!(
        text.contains("the service account may not look up users"),
        "{text}"
    );
    assert!(text.contains(&format!("status {status}")), "{text}");
    for hidden in ["secret-body", "Bearer", "eyJ", "PRIVATE"] {
        assert!(!text.contains(hidden), "{text}");
    }
    assert!(lookup.check().is_err());
}

#[tokio::test]
async fn without_an_access_token_no_user_is_looked_up() {
    let server = LoopbackServer::start(|_| Reply::error(400, json!({}))).await;
    let lookup = lookup(&server);
    let verdicts = join_all((0..20).map(|_| verdict(&lookup, "alice"))).await;
    assert!(
        verdicts.iter().all(|it| *it == "users-unavailable"),
        "{verdicts:?}"
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_replaced() {
    let server = server(|_| Reply::error(401, json!({}))).await;
    let lookup = lookup(&server);
    let tokens = || server.seen().len() - lookups(&server).len();
    // A young token that is refused would only be followed by another one.
    for _ in 0..3 {
        assert!(check(&lookup, "alice").await.is_err());
        skip(Duration::from_secs(2)).await;
    }
    assert_eq!(tokens(), 1);
    skip(Duration::from_mins(1)).await;
    assert!(check(&lookup, "alice").await.is_err());
    skip(Duration::from_secs(2)).await;
    assert!(check(&lookup, "alice").await.is_err());
    assert_eq!(tokens(), 2);
}

#[tokio::test]
async fn a_verifier_looks_up_users_of_good_tokens_only() {
    let server = server(|_| Reply::json(alice(&json!({"disabled": true})))).await;
    let verifier = verifier(config()).with_account_lookup(Arc::new(lookup(&server)));
    assert_eq!(testing::verdict(&verifier, &forged()).await, "signature");
    assert!(server.seen().is_empty());
    assert_eq!(testing::verdict(&verifier, &good()).await, "user-disabled");
    verifier.check().await.unwrap();
}

#[tokio::test]
async fn a_verifier_is_not_ready_while_lookups_fail() {
    let server = server(|_| Reply::error(500, json!({}))).await;
    let lookup = Arc::new(lookup(&server));
    let verifier = verifier(config()).with_account_lookup(Arc::clone(&lookup));
    assert!(verifier.check().await.is_ok());
    for name in ["alice", "bob", "carol"] {
        assert!(check(&lookup, name).await.is_err());
    }
    let error = verifier.check().await.unwrap_err();
    assert_eq!(error.reason(), "users-unavailable");
    assert_eq!(lookups(&server).len(), 3);
}

#[tokio::test]
async fn the_service_account_must_belong_to_the_project() {
    let server = server(|_| Reply::Bytes(Vec::new())).await;
    let config = AccountLookupConfig {
        project_id: ProjectId::parse("another").unwrap(),
        ..lookup_config(&server)
    };
    let clock = Arc::new(ManualClock::default());
    let error = AccountLookup::start(config, account(&server), clock).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the service account belongs to the project `demo-project`, not to `another`"
    );
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = CachePolicy::default();
    assert_eq!(config.fresh_for, Duration::from_mins(1));
    assert_eq!(config.stale_for, Duration::from_mins(5));
    assert_eq!(config.deadline, Duration::from_secs(2));
    assert_eq!((config.users_max, config.lookups_max), (10_000, 32));
}
