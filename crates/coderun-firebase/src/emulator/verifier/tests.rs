use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};
use coderun_domain::testing::ManualClock;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::config::{AnonymousUsers, TenantId, TenantPolicy};
use crate::testing::{Log, claims, config, encode, good, header, unsigned, verifier, with};
use crate::users::testing::{LoopbackServer, Reply, Seen};
use crate::verifier::corpus::{bad_tokens, good_tokens};

/// Bad tokens whose only fault is one that an emulator's token cannot have.
const GOOD_WHEN_UNSIGNED: [&str; 3] = ["none", "none with a signature of nothing", "just too long"];

/// What an emulator knows of whoever it is asked for.
fn known(seen: &Seen, more: &Value) -> Reply {
    let question: Value = serde_json::from_str(&seen.body).unwrap();
    let mut user = json!({"localId": question["localId"][0]});
    for (name, value) in more.as_object().unwrap() {
        user[name] = value.clone();
    }
    Reply::Good(json!({"kind": "identitytoolkit#GetAccountInfoResponse", "users": [user]}))
}

/// An emulator that knows everybody.
async fn emulator() -> LoopbackServer {
    LoopbackServer::start(|seen| known(seen, &json!({}))).await
}

fn emulator_config(server: &LoopbackServer, verifier: VerifierConfig) -> EmulatorConfig {
    EmulatorConfig {
        host: EmulatorHost::parse(server.address.to_string()).unwrap(),
        verifier,
    }
}

fn start(config: EmulatorConfig) -> Result<EmulatorTokenVerifier, EmulatorError> {
    let clock = Arc::new(ManualClock::default());
    EmulatorTokenVerifier::start(config, EmulatorProjects::default(), clock)
}

fn verifier_of(server: &LoopbackServer) -> EmulatorTokenVerifier {
    start(emulator_config(server, config())).unwrap()
}

async fn verdict(verifier: &dyn TokenVerifier, token: &str) -> &'static str {
    match verifier.verify(&BearerToken::new(token)).await {
        Ok(_) => "accepted",
        Err(error) => error.reason(),
    }
}

fn emulator_header() -> Value {
    json!({"alg": "none", "typ": "JWT"})
}

/// A token as the emulator issues it.
fn token(claims: &Value) -> String {
    format!("{}.", unsigned(&emulator_header(), claims))
}

/// A signed token, with whatever is wrong with it, as the emulator would have issued it.
fn turned(signed: &str) -> String {
    let Some((parts, _signature)) = signed.rsplit_once('.') else {
        return signed.to_owned();
    };
    let (header, claims) = match parts.split_once('.') {
        Some((header, claims)) => (header, format!(".{claims}")),
        None => (parts, String::new()),
    };
    let decoded = crate::parse::decode(header).map(String::from_utf8);
    let header = match decoded {
        Ok(Ok(text)) => encode(text.replace(r#""RS256""#, r#""none""#)),
        Ok(Err(_)) | Err(_) => header.to_owned(),
    };
    format!("{header}{claims}.")
}

#[tokio::test]
async fn a_token_of_the_emulator_is_accepted() {
    let server = emulator().await;
    let verifier = verifier_of(&server);
    let token = BearerToken::new(token(&claims()));
    let principal = verifier.verify(&token).await.unwrap();
    assert_eq!(principal.user.as_str(), "alice");
    assert_eq!(principal.email.as_deref(), Some("alice@example.com"));
    verifier.check().await.unwrap();

    let seen = server.seen();
    let path = "/identitytoolkit.googleapis.com/v1/projects/demo-project/accounts:lookup";
    assert_eq!(seen[0].target, format!("POST {path}"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer owner"));
    assert_eq!(seen[0].body, r#"{"localId":["alice"]}"#);
}

#[tokio::test]
async fn no_signed_token_is_accepted_good_or_bad() {
    let server = emulator().await;
    let verifier = verifier_of(&server);
    let bad = bad_tokens().into_iter().map(|case| (case.name, case.token));
    for (name, token) in bad.chain(good_tokens()) {
        assert_ne!(verdict(&verifier, &token).await, "accepted", "{name}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn no_bad_token_is_accepted_unsigned_and_each_is_refused_for_its_reason() {
    let server = emulator().await;
    let verifier = verifier_of(&server);
    let turned_good = turned(&good());
    let (mut count, mut wrong) = (0, Vec::new());
    for case in bad_tokens() {
        let token = turned(&case.token);
        let is_about_the_key = ["no-kid", "unknown-kid", "signature"].contains(&case.reason);
        let is_bad = token != turned_good && !GOOD_WHEN_UNSIGNED.contains(&case.name);
        if is_about_the_key || !is_bad {
            continue;
        }
        count += 1;
        let found = verdict(&verifier, &token).await;
        if found != case.reason {
            wrong.push((case.name, case.reason, found));
        }
    }
    assert!(wrong.is_empty(), "(name, expected, found): {wrong:#?}");
    assert!(count >= 180, "only {count} bad tokens are left");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn every_good_token_is_accepted_unsigned() {
    let server = emulator().await;
    let verifier = verifier_of(&server);
    for (name, token) in good_tokens() {
        assert_eq!(
            verdict(&verifier, &turned(&token)).await,
            "accepted",
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_ordinary_verifier_accepts_no_token_of_the_emulator() {
    let verifier = verifier(config());
    for (name, token) in good_tokens() {
        assert_eq!(
            verdict(&verifier, &turned(&token)).await,
            "malformed",
            "{name}"
        );
    }
    for signature in ["", "AA", "."] {
        let token = format!("{}{signature}", token(&claims()));
        assert_ne!(verdict(&verifier, &token).await, "accepted", "{signature}");
    }
}

#[rstest]
#[case::signature(format!("{}AA", token(&claims())), "malformed")]
#[case::space(format!("{} ", token(&claims())), "malformed")]
#[case::another_part(format!("{}.", token(&claims())), "malformed")]
#[case::no_last_dot(unsigned(&emulator_header(), &claims()), "malformed")]
#[case::rs256_without_a_signature(format!("{}.", unsigned(&header(), &claims())), "algorithm")]
#[tokio::test]
async fn another_form_is_refused(#[case] token: String, #[case] expected: &str) {
    let server = emulator().await;
    assert_eq!(verdict(&verifier_of(&server), &token).await, expected);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_token_has_a_greatest_length() {
    let server = emulator().await;
    let good = token(&claims());
    for (max, expected) in [(good.len(), "accepted"), (good.len() - 1, "malformed")] {
        let mut config = config();
        config.token_max = coderun_domain::ByteSize::from_bytes(max as u64);
        let verifier = start(emulator_config(&server, config)).unwrap();
        assert_eq!(verdict(&verifier, &good).await, expected);
    }
}

#[tokio::test]
async fn policies_hold_as_with_firebase() {
    let server = emulator().await;
    let mut config = config();
    config.users.anonymous = AnonymousUsers::Refused;
    let verifier = start(emulator_config(&server, config)).unwrap();
    let anonymous = with(
        claims(),
        "firebase",
        json!({"sign_in_provider": "anonymous"}),
    );
    assert_eq!(verdict(&verifier, &token(&anonymous)).await, "forbidden");
    assert_eq!(verdict(&verifier, &token(&claims())).await, "accepted");
}

#[tokio::test]
async fn the_user_is_looked_up_each_time() {
    let now = Arc::new(Mutex::new(json!({})));
    let script = Arc::clone(&now);
    let server = LoopbackServer::start(move |seen| known(seen, &script.lock().unwrap())).await;
    let verifier = verifier_of(&server);
    for (more, expected) in [
        (json!({}), "accepted"),
        (json!({"disabled": true}), "user-disabled"),
        (json!({"validSince": "1799999901"}), "revoked"),
        (json!({"validSince": "1799999900"}), "accepted"),
    ] {
        *now.lock().unwrap() = more;
        assert_eq!(verdict(&verifier, &token(&claims())).await, expected);
    }
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_user_whom_the_emulator_does_not_know_is_refused() {
    let server = LoopbackServer::start(|_| Reply::Good(json!({"kind": "x"}))).await;
    let found = verdict(&verifier_of(&server), &token(&claims())).await;
    assert_eq!(found, "user-not-found");
}

#[tokio::test]
async fn without_its_emulator_a_token_is_neither_good_nor_bad() {
    let server = LoopbackServer::start(|_| Reply::Status(500, json!({}))).await;
    let found = verdict(&verifier_of(&server), &token(&claims())).await;
    assert_eq!(found, "users-unavailable");
}

fn of_tenant(tenant: &str) -> String {
    let firebase = json!({"sign_in_provider": "password", "tenant": tenant});
    token(&with(claims(), "firebase", firebase))
}

#[tokio::test]
async fn a_tenant_is_part_of_the_path_but_cannot_change_it() {
    let server = emulator().await;
    let mut config = config();
    config.tenants = TenantPolicy::Any;
    let verifier = start(emulator_config(&server, config)).unwrap();
    for tenant in ["..", "../x", "a/b", "a%2fb", "a?b", "a#b", "a\\b", ""] {
        assert_eq!(
            verdict(&verifier, &of_tenant(tenant)).await,
            "tenant",
            "{tenant}"
        );
    }
    assert!(server.seen().is_empty());
    assert_eq!(verdict(&verifier, &of_tenant("acme")).await, "accepted");
    let path = "/projects/demo-project/tenants/acme/accounts:lookup";
    assert!(server.seen()[0].target.ends_with(path));
}

#[tokio::test]
async fn another_tenant_is_refused() {
    let server = emulator().await;
    let mut config = config();
    config.tenants = TenantPolicy::Only(TenantId::parse("acme").unwrap());
    let verifier = start(emulator_config(&server, config)).unwrap();
    assert_eq!(verdict(&verifier, &of_tenant("other")).await, "tenant");
    assert_eq!(verdict(&verifier, &token(&claims())).await, "tenant");
}

#[rstest]
#[case::real("real-project")]
#[case::demo_inside("my-demo-project")]
#[case::upper_case("DEMO-project")]
#[case::no_hyphen("demoproject")]
#[tokio::test]
async fn a_project_that_may_exist_must_be_forced(#[case] project: &str) {
    let server = emulator().await;
    let project_id = ProjectId::parse(project).unwrap();
    let config = emulator_config(&server, VerifierConfig::firebase(project_id));
    let error = start(config.clone()).unwrap_err();
    assert!(error.to_string().contains(project), "{error}");
    assert!(
        matches!(error, EmulatorError::RealProject { .. }),
        "{error:?}"
    );

    let clock = Arc::new(ManualClock::default());
    let forced = EmulatorTokenVerifier::start(config, EmulatorProjects::Any, clock);
    assert!(forced.is_ok());
}

#[tokio::test]
async fn the_emulator_issues_only_in_the_name_of_firebase() {
    let server = emulator().await;
    let mut config = config();
    config.issuer = Issuer::Development;
    let error = start(emulator_config(&server, config)).unwrap_err();
    assert!(matches!(error, EmulatorError::OtherIssuer), "{error:?}");
}

#[tokio::test]
async fn a_refusal_is_logged_by_the_fingerprint_of_the_token_and_not_by_its_parts() {
    let server = emulator().await;
    let verifier = verifier_of(&server);
    let token = token(&with(claims(), "aud", "another"));
    let log = Log::default();
    let guard = log.listen();
    assert_eq!(verdict(&verifier, &token).await, "audience");
    drop(guard);
    let text = log.text();
    let hash = digest(&SHA256, token.as_bytes());
    let start = u32::from_be_bytes(hash.as_ref()[..4].try_into().unwrap());
    assert!(
        text.contains(&format!("token_sha256={start:08x} ")),
        "{text}"
    );
    assert!(text.contains(r#"reason="audience""#), "{text}");
    for part in token.split('.').filter(|part| !part.is_empty()) {
        assert!(!text.contains(part), "{text}");
    }
}
