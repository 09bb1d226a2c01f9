//! Tests the values of settings for users and runners.

use super::*;

#[rstest]
#[case("FIREBASE_PROJECT_ID", "a/b")]
#[case("FIREBASE_WEB_API_KEY", "a key")]
#[case("FIREBASE_AUTH_DOMAIN", "https://p.firebaseapp.com")]
#[case("FIREBASE_JWKS_URL", "http://keys.example.com")]
#[case(
    "FIREBASE_JWKS_URL",
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken"
)]
#[case("FIREBASE_USERS_URL", "ftp://localhost")]
#[case("FIREBASE_STALE_KEYS_SECONDS", "604801")]
#[case("FIREBASE_CLOCK_SKEW_SECONDS", "301")]
#[case("FIREBASE_AUTH_EMULATOR_HOST", "http://127.0.0.1:9099")]
#[case("FIREBASE_EMAIL_POLICY", "maybe")]
#[case("VERIFIED_TOKENS_MAX", "1000001")]
#[case("RUNNER", "magic")]
#[case("PISTON_BODY_MAX", "much")]
#[case("REQUIRE", "memory,network")]
fn an_invalid_value_is_named(#[case] name: &'static str, #[case] value: &'static str) {
    let error_of = error_of(&[], &[(name, value)]);
    let beginning = format!("the environment sets `{name}` to `{value}`: ");
    assert!(error_of.starts_with(&beginning), "{error_of}");
}

#[test]
fn keys_and_passwords_are_never_shown() {
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
    let bad = error_of(&[], &[("CODE_EXECUTION_API_KEY", "hush\u{1}")]);
    let help = read_with(&["--help"], &environment)
        .unwrap_err()
        .to_string();
    let url = "https://me:hush@keys.example/?key=hush";
    let refused = error_of(&[], &[("FIREBASE_JWKS_URL", url)]);
    for text in [shown, settings, bad, help, refused] {
        assert!(!text.contains("hush"), "{text}");
    }
}
