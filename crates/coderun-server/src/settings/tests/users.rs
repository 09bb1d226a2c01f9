//! Who users are, and what runs their code.

use coderun_domain::ByteSize;
use coderun_firebase::{AnonymousUsers, EmailPolicy, ProjectId, TenantPolicy, VerifierConfig};
use rstest::rstest;

use super::*;

fn users(variables: &[(&'static str, &'static str)]) -> UserSettings {
    let environment: HashMap<_, _> = variables.iter().copied().collect();
    read_with(&[], &environment).unwrap().settings.users
}

#[test]
fn a_project_is_verified_by_the_defaults_of_the_adapter() {
    let project = ProjectId::parse("p").unwrap();
    let config = users(&[]).verifier_config(&project);
    assert_eq!(config, VerifierConfig::firebase(project));
}

#[test]
fn every_rule_for_users_can_be_set() {
    let users = users(&[
        ("FIREBASE_PROJECT_ID", "p"),
        ("FIREBASE_CLOCK_SKEW_SECONDS", "0"),
        ("FIREBASE_TOKEN_MAX", "4KiB"),
        ("FIREBASE_TENANT", "any"),
        ("FIREBASE_SIGN_IN_PROVIDERS", "password,google.com"),
        ("FIREBASE_EMAIL_POLICY", "verified"),
        ("FIREBASE_ANONYMOUS_USERS", "refused"),
        ("VERIFIED_TOKENS_MAX", "0"),
    ]);
    let config = users.verifier_config(&ProjectId::parse("p").unwrap());
    assert_eq!(config.clock_skew.as_duration(), Duration::ZERO);
    assert_eq!(config.token_max, ByteSize::from_kib(4));
    assert_eq!(config.tenants, TenantPolicy::Any);
    assert_eq!(config.users.providers.to_string(), "google.com,password");
    assert_eq!(config.users.email, EmailPolicy::Verified);
    assert_eq!(config.users.anonymous, AnonymousUsers::Refused);
    assert_eq!(config.verified_tokens_max, 0);
}

#[rstest]
#[case("FIREBASE_PROJECT_ID", "a/b")]
#[case("FIREBASE_JWKS_URL", "http://keys.example.com")]
#[case("FIREBASE_USERS_URL", "ftp://localhost")]
#[case("FIREBASE_STALE_KEYS_SECONDS", "604801")]
#[case("FIREBASE_CLOCK_SKEW_SECONDS", "301")]
#[case("FIREBASE_AUTH_EMULATOR_HOST", "http://127.0.0.1:9099")]
#[case("FIREBASE_EMAIL_POLICY", "maybe")]
#[case("VERIFIED_TOKENS_MAX", "1000001")]
#[case("RUNNER", "magic")]
#[case("PISTON_BODY_MAX", "much")]
fn a_value_that_cannot_be_is_named(#[case] name: &'static str, #[case] value: &'static str) {
    let complaint = complaint(&[], &[(name, value)]);
    let beginning = format!("the environment sets `{name}` to `{value}`: ");
    assert!(complaint.starts_with(&beginning), "{complaint}");
}

#[test]
fn keys_and_passwords_are_shown_nowhere() {
    let environment = HashMap::from([
        ("RUNNER", "piston"),
        (
            "CODE_EXECUTION_API_URL",
            "http://me:hush@piston:2000/api/v2",
        ),
        ("CODE_EXECUTION_API_KEY", "hush hush"),
    ]);
    let invocation = read_with(&[], &environment).unwrap();
    let shown = format!("{:?}", invocation.effective);
    assert!(shown.contains("code_execution_api_key"), "{shown}");
    let settings = format!("{:?}", invocation.settings);
    let bad = complaint(&[], &[("CODE_EXECUTION_API_KEY", "hush\u{1}")]);
    let help = read_with(&["--help"], &environment)
        .unwrap_err()
        .to_string();
    let url = "https://me:hush@keys.example/?key=hush";
    let refused = complaint(&[], &[("FIREBASE_JWKS_URL", url)]);
    for text in [shown, settings, bad, help, refused] {
        assert!(!text.contains("hush"), "{text}");
    }
}
