use coderun_domain::testing::ManualClock;
use parking_lot::Mutex;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::config::{AnonymousUsers, TenantPolicy};
use crate::testing::server::{LoopbackServer, known};
use crate::testing::{Log, NOW, claims, config, fingerprint, good, unsigned, verdict, with};

fn emulator_config(server: &LoopbackServer, verifier: VerifierConfig) -> EmulatorConfig {
    EmulatorConfig {
        host: server.address.to_string().parse().unwrap(),
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

/// A token as the emulator issues it.
fn token(claims: &Value) -> String {
    let header = json!({"alg": "none", "typ": "JWT"});
    format!("{}.", unsigned(&header, claims))
}

#[tokio::test]
async fn a_token_of_the_emulator_is_accepted() {
    let server = LoopbackServer::emulator(&json!({})).await;
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

#[rstest]
#[case::expired(token(&with(claims(), "exp", NOW - 60)), "expired")]
#[case::signed(good(), "malformed")]
#[tokio::test]
async fn the_emulator_is_not_asked_about_a_bad_token(
    #[case] token: String,
    #[case] expected: &str,
) {
    let server = LoopbackServer::emulator(&json!({})).await;
    assert_eq!(verdict(&verifier_of(&server), &token).await, expected);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn policies_hold_as_with_firebase() {
    let server = LoopbackServer::emulator(&json!({})).await;
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
    let server = LoopbackServer::start(move |seen| known(seen, &script.lock())).await;
    let verifier = verifier_of(&server);
    for (more, expected) in [
        (json!({}), "accepted"),
        (json!({"disabled": true}), "user-disabled"),
        (json!({"validSince": "1799999901"}), "revoked"),
        (json!({"validSince": "1799999900"}), "accepted"),
    ] {
        *now.lock() = more;
        assert_eq!(verdict(&verifier, &token(&claims())).await, expected);
    }
    assert_eq!(server.seen().len(), 4);
}

fn of_tenant(tenant: &str) -> String {
    let firebase = json!({"sign_in_provider": "password", "tenant": tenant});
    token(&with(claims(), "firebase", firebase))
}

#[tokio::test]
async fn a_tenant_is_part_of_the_path_but_cannot_change_it() {
    let server = LoopbackServer::emulator(&json!({})).await;
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

#[rstest]
#[case::real("real-project")]
#[case::demo_inside("my-demo-project")]
#[case::upper_case("DEMO-project")]
#[case::no_hyphen("demoproject")]
#[tokio::test]
async fn a_project_that_may_exist_must_be_forced(#[case] project: &str) {
    let server = LoopbackServer::emulator(&json!({})).await;
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
    let server = LoopbackServer::emulator(&json!({})).await;
    let mut config = config();
    config.issuer = Issuer::Development;
    let error = start(emulator_config(&server, config)).unwrap_err();
    assert!(matches!(error, EmulatorError::OtherIssuer), "{error:?}");
}

#[tokio::test]
async fn a_refusal_is_logged_by_the_fingerprint_of_the_token_and_not_by_its_parts() {
    let server = LoopbackServer::emulator(&json!({})).await;
    let verifier = verifier_of(&server);
    let token = token(&with(claims(), "aud", "another"));
    let log = Log::default();
    let guard = log.listen();
    assert_eq!(verdict(&verifier, &token).await, "audience");
    drop(guard);
    let text = log.text();
    assert!(text.contains(&fingerprint(&token)), "{text}");
    assert!(text.contains(r#"reason="audience""#), "{text}");
    for part in token.split('.').filter(|part| !part.is_empty()) {
        assert!(!text.contains(part), "{text}");
    }
}
