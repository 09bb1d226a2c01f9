use std::time::Duration;

use coderun_domain::testing::at;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::config::{ClockSkew, Issuer, ProjectId};
use crate::testing::{NOW, PROJECT, claims, config, with, without};

fn reason_under(config: &VerifierConfig, claims: &str) -> &'static str {
    match check_claims(claims.as_bytes(), config, at(0)) {
        Ok(_) => "accepted",
        Err(error) => error.reason(),
    }
}

fn reason(claims: &Value) -> &'static str {
    reason_under(&config(), &claims.to_string())
}

fn reason_with(name: &str, value: impl Into<Value>) -> &'static str {
    reason(&with(claims(), name, value))
}

#[test]
fn a_good_token_names_its_user() {
    let text = claims().to_string();
    let checked = check_claims(text.as_bytes(), &config(), at(0)).unwrap();
    let principal = checked.admit(&UserPolicy::default()).unwrap().principal;
    assert_eq!(principal.user.as_str(), "alice");
    assert_eq!(principal.expires_at, at(3600));
    assert_eq!(principal.email.as_deref(), Some("alice@example.com"));
    assert_eq!(principal.name.as_deref(), Some("Alice"));
    assert_eq!(principal.email_verified, Some(true));
}

#[test]
fn a_good_token_tells_of_the_sign_in_behind_it() {
    let firebase = json!({"sign_in_provider": "password", "tenant": "acme"});
    let text = with(claims(), "firebase", firebase).to_string();
    let mut config = config();
    config.tenants = TenantPolicy::Any;
    let checked = check_claims(text.as_bytes(), &config, at(0)).unwrap();
    let admitted = checked.admit(&UserPolicy::default()).unwrap();
    let sign_in = admitted.sign_in();
    assert_eq!(sign_in.user.as_str(), "alice");
    assert_eq!(sign_in.tenant.map(TenantId::as_str), Some("acme"));
    assert_eq!(sign_in.auth_time.unix_timestamp(), NOW - 100);
}

#[test]
fn a_token_need_say_no_more_than_it_must() {
    let mut least = claims();
    for name in ["user_id", "email", "email_verified", "name"] {
        least = without(least, name);
    }
    least = with(least, "firebase", json!({}));
    let text = least.to_string();
    let checked = check_claims(text.as_bytes(), &config(), at(0)).unwrap();
    let principal = checked.admit(&UserPolicy::default()).unwrap().principal;
    assert_eq!(principal.email, None);
    assert_eq!(principal.name, None);
    assert_eq!(principal.email_verified, None);
}

#[test]
fn unknown_claims_are_allowed() {
    assert_eq!(reason_with("roles", json!(["a", null, 1.5])), "accepted");
}

#[rstest]
fn a_required_claim_may_not_be_missing(
    #[values("iss", "aud", "sub", "exp", "iat", "auth_time")] name: &str,
) {
    assert_eq!(reason(&without(claims(), name)), "malformed");
}

#[rstest]
fn a_time_is_a_whole_number(
    #[values("exp", "iat", "auth_time", "nbf")] name: &str,
    #[values(
        "null",
        "\"1800000000\"",
        "1800000000.0",
        "1.8e9",
        "-1",
        "[1800000000]",
        "true",
        "{}",
        "253402300800",
        "18446744073709551615",
        "18446744073709551616",
        "1e400"
    )]
    value: &str,
) {
    let text = with(claims(), name, "HERE")
        .to_string()
        .replace("\"HERE\"", value);
    assert_eq!(reason_under(&config(), &text), "malformed");
}

#[rstest]
fn a_text_is_a_text(
    #[values("iss", "aud", "sub", "user_id", "email", "name")] name: &str,
    #[values(json!(null), json!(1), json!(true), json!(["alice"]), json!({}))] value: Value,
) {
    assert_eq!(reason_with(name, value), "malformed");
}

#[rstest]
#[case::verified_text("email_verified", json!("true"))]
#[case::verified_number("email_verified", json!(1))]
#[case::verified_null("email_verified", json!(null))]
#[case::firebase_null("firebase", json!(null))]
#[case::firebase_text("firebase", json!("password"))]
#[case::firebase_array("firebase", json!(["password", null, null]))]
#[case::firebase_empty_array("firebase", json!([]))]
#[case::provider_null("firebase", json!({"sign_in_provider": null}))]
#[case::provider_number("firebase", json!({"sign_in_provider": 1}))]
#[case::tenant_null("firebase", json!({"tenant": null}))]
#[case::tenant_array("firebase", json!({"tenant": ["t"]}))]
fn another_type_is_malformed(#[case] name: &str, #[case] value: Value) {
    assert_eq!(reason_with(name, value), "malformed");
}

#[rstest]
fn a_claim_stands_there_once(
    #[values(
        "iss",
        "aud",
        "sub",
        "exp",
        "iat",
        "auth_time",
        "user_id",
        "email",
        "email_verified",
        "name",
        "firebase"
    )]
    name: &str,
) {
    let twice = format!("{{\"{name}\":{},", claims()[name]);
    let text = claims().to_string().replacen('{', &twice, 1);
    assert_eq!(reason_under(&config(), &text), "malformed");
}

#[rstest]
fn a_field_of_the_firebase_claim_stands_there_once(
    #[values("sign_in_provider", "tenant", "identities")] name: &str,
) {
    let once = with(claims(), "firebase", "HERE").to_string();
    let text = once.replace(
        "\"HERE\"",
        &format!("{{\"{name}\":\"a\",\"{name}\":\"a\"}}"),
    );
    assert_eq!(reason_under(&config(), &text), "malformed");
}

#[rstest]
#[case::other("other-project")]
#[case::longer("demo-project-2")]
#[case::shorter("demo-projec")]
#[case::upper_case("Demo-project")]
#[case::space_after("demo-project ")]
#[case::empty("")]
fn the_audience_is_the_project(#[case] aud: &str) {
    assert_eq!(reason_with("aud", aud), "audience");
}

#[rstest]
#[case::other_project("https://securetoken.google.com/other-project")]
#[case::longer("https://securetoken.google.com/demo-project-2")]
#[case::trailing_slash("https://securetoken.google.com/demo-project/")]
#[case::not_secure("http://securetoken.google.com/demo-project")]
#[case::upper_case("https://SecureToken.google.com/demo-project")]
#[case::other_host("https://securetoken.google.com.example.com/demo-project")]
#[case::session_cookie("https://session.firebase.google.com/demo-project")]
#[case::development("https://development.coderun.invalid/demo-project")]
#[case::google("https://accounts.google.com")]
#[case::only_prefix("https://securetoken.google.com/")]
#[case::only_project("demo-project")]
#[case::empty("")]
fn the_issuer_is_google_for_the_project(#[case] iss: &str) {
    assert_eq!(reason_with("iss", iss), "issuer");
}

#[test]
fn the_development_issuer_is_not_google() {
    let project_id = ProjectId::parse(PROJECT).unwrap();
    let development = VerifierConfig::of(project_id, Issuer::Development);
    assert_eq!(reason_under(&development, &claims().to_string()), "issuer");
    let own = with(
        claims(),
        "iss",
        "https://development.coderun.invalid/demo-project",
    );
    assert_eq!(reason_under(&development, &own.to_string()), "accepted");
}

#[rstest]
#[case::longest(&"u".repeat(128), "accepted")]
#[case::too_long(&"u".repeat(129), "subject")]
#[case::longest_in_utf16_units(&"😀".repeat(64), "accepted")]
#[case::too_long_in_utf16_units(&format!("{}u", "😀".repeat(64)), "subject")]
#[case::empty("", "subject")]
#[case::line_feed("a\nb", "subject")]
#[case::nul("a\0", "subject")]
#[case::delete("a\x7F", "subject")]
#[case::control_beyond_ascii("a\u{85}", "subject")]
fn the_subject_is_a_user(#[case] sub: &str, #[case] expected: &str) {
    let both = with(with(claims(), "sub", sub), "user_id", sub);
    assert_eq!(reason(&both), expected);
}

#[rstest]
#[case::other("bob")]
#[case::empty("")]
#[case::other_case("Alice")]
fn the_user_id_is_the_subject(#[case] user_id: &str) {
    assert_eq!(reason_with("user_id", user_id), "subject");
}

#[test]
fn the_firebase_claim_may_not_be_missing() {
    assert_eq!(reason(&without(claims(), "firebase")), "subject");
}

/// A token that was issued an hour before and expires then.
fn expiring(exp: i64) -> Value {
    with(with(claims(), "iat", exp - 3600), "exp", exp)
}

#[rstest]
#[case::at_the_edge(NOW - 60, "expired")]
#[case::before_the_edge(NOW - 59, "accepted")]
#[case::long_ago(NOW - 3600, "expired")]
#[case::in_1970(3600, "expired")]
fn a_token_expires(#[case] exp: i64, #[case] expected: &str) {
    let token = with(expiring(exp), "auth_time", 0);
    assert_eq!(reason(&token), expected);
}

#[test]
fn a_token_expires_in_the_middle_of_a_second_too() {
    let text = expiring(NOW - 60).to_string();
    let almost = at(0) - Duration::from_nanos(1);
    assert!(check_claims(text.as_bytes(), &config(), almost).is_ok());
    assert!(check_claims(text.as_bytes(), &config(), at(0)).is_err());
}

#[rstest]
fn a_token_is_not_from_the_future(
    #[values("iat", "auth_time", "nbf")] name: &str,
    #[values((60, "accepted"), (61, "not-yet-valid"))] edge: (i64, &str),
) {
    assert_eq!(reason_with(name, NOW + edge.0), edge.1);
}

#[rstest]
#[case::none(0, -1, "expired")]
#[case::none_and_valid(0, 1, "accepted")]
#[case::greatest_and_expired(300, -300, "expired")]
#[case::greatest_and_valid(300, -299, "accepted")]
fn the_skew_is_a_setting(#[case] skew: u64, #[case] exp_after: i64, #[case] expected: &str) {
    let mut config = config();
    config.clock_skew = ClockSkew::new(Duration::from_secs(skew)).unwrap();
    let text = expiring(NOW + exp_after).to_string();
    assert_eq!(reason_under(&config, &text), expected);
}

#[rstest]
#[case::before(NOW, NOW + 1, "accepted")]
#[case::same(NOW, NOW, "malformed")]
#[case::after(NOW + 1, NOW, "malformed")]
#[case::longest(NOW, NOW + 86_400, "accepted")]
#[case::too_long(NOW, NOW + 86_401, "malformed")]
#[case::for_ever(NOW, 253_402_300_799, "malformed")]
fn a_token_is_issued_before_it_expires_and_not_long(
    #[case] iat: i64,
    #[case] exp: i64,
    #[case] expected: &str,
) {
    let token = with(with(claims(), "iat", iat), "exp", exp);
    assert_eq!(reason(&token), expected);
}

#[rstest]
#[case::as_long_as_allowed(3600, "accepted")]
#[case::too_long(3599, "malformed")]
fn the_longest_lifetime_is_a_setting(#[case] max_seconds: u64, #[case] expected: &str) {
    let mut config = config();
    config.lifetime_max = Duration::from_secs(max_seconds);
    assert_eq!(reason_under(&config, &claims().to_string()), expected);
}

#[rstest]
#[case::refused_none(TenantPolicy::Refused, None, "accepted")]
#[case::refused_some(TenantPolicy::Refused, Some("t"), "tenant")]
#[case::refused_empty(TenantPolicy::Refused, Some(""), "tenant")]
#[case::only_none(TenantPolicy::Only(TenantId::parse("t").unwrap()), None, "tenant")]
#[case::only_that(TenantPolicy::Only(TenantId::parse("t").unwrap()), Some("t"), "accepted")]
#[case::only_another(TenantPolicy::Only(TenantId::parse("t").unwrap()), Some("T"), "tenant")]
#[case::any_none(TenantPolicy::Any, None, "accepted")]
#[case::any_some(TenantPolicy::Any, Some("t"), "accepted")]
#[case::any_empty(TenantPolicy::Any, Some(""), "tenant")]
#[case::any_path(TenantPolicy::Any, Some("../t"), "tenant")]
fn tenants_are_a_setting(
    #[case] policy: TenantPolicy,
    #[case] tenant: Option<&str>,
    #[case] expected: &str,
) {
    let mut config = config();
    config.tenants = policy;
    let mut firebase = claims()["firebase"].clone();
    if let Some(tenant) = tenant {
        firebase = with(firebase, "tenant", tenant);
    }
    let text = with(claims(), "firebase", firebase).to_string();
    assert_eq!(reason_under(&config, &text), expected);
}

fn is_admitted(policy: &UserPolicy, claims: &Value) -> bool {
    let text = claims.to_string();
    let checked = check_claims(text.as_bytes(), &config(), at(0)).unwrap();
    match checked.admit(policy) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.reason(), "forbidden");
            false
        }
    }
}

#[rstest]
#[case::verified(claims(), true)]
#[case::unverified(with(claims(), "email_verified", false), false)]
#[case::not_said(without(claims(), "email_verified"), false)]
#[case::no_address(without(claims(), "email"), false)]
fn a_verified_address_can_be_required(#[case] claims: Value, #[case] admitted: bool) {
    let policy = UserPolicy {
        email: EmailPolicy::Verified,
        ..UserPolicy::default()
    };
    assert_eq!(is_admitted(&policy, &claims), admitted);
    assert!(is_admitted(&UserPolicy::default(), &claims));
}

fn signed_in_by(provider: &str) -> Value {
    with(claims(), "firebase", json!({"sign_in_provider": provider}))
}

#[rstest]
#[case::listed(signed_in_by("google.com"), true)]
#[case::not_listed(signed_in_by("password"), false)]
#[case::other_case(signed_in_by("Google.com"), false)]
#[case::not_said(with(claims(), "firebase", json!({})), false)]
fn sign_in_providers_can_be_listed(#[case] claims: Value, #[case] admitted: bool) {
    let names = ["google.com".to_owned(), "github.com".to_owned()];
    let policy = UserPolicy {
        providers: SignInProviders::Only(names.into()),
        ..UserPolicy::default()
    };
    assert_eq!(is_admitted(&policy, &claims), admitted);
    assert!(is_admitted(&UserPolicy::default(), &claims));
}

#[rstest]
#[case::known(signed_in_by("password"), true)]
#[case::anonymous(signed_in_by("anonymous"), false)]
#[case::not_said(with(claims(), "firebase", json!({})), false)]
fn anonymous_users_can_be_refused(#[case] claims: Value, #[case] admitted: bool) {
    let policy = UserPolicy {
        anonymous: AnonymousUsers::Refused,
        ..UserPolicy::default()
    };
    assert_eq!(is_admitted(&policy, &claims), admitted);
    assert!(is_admitted(&UserPolicy::default(), &claims));
}
