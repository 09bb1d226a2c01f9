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

#[test]
fn a_good_token_gives_the_account_and_the_time_of_its_sign_in() {
    let firebase = json!({"sign_in_provider": "password", "tenant": "acme"});
    let text = with(claims(), "firebase", firebase).to_string();
    let mut config = config();
    config.tenants = TenantPolicy::Any;
    let checked = check_claims(text.as_bytes(), &config, at(0)).unwrap();
    let admitted = checked.accept(&UserPolicy::default()).unwrap();
    let AccountId { user, tenant } = admitted.account_id();
    assert_eq!(user.as_str(), "alice");
    assert_eq!(tenant.as_ref().map(TenantId::as_str), Some("acme"));
    assert_eq!(admitted.auth_time.unix_timestamp(), NOW - 100);
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

/// A token that was issued an hour before and expires then.
fn expiring(exp: i64) -> Value {
    with(with(claims(), "iat", exp - 3600), "exp", exp)
}

#[test]
fn a_token_expires_in_the_middle_of_a_second_too() {
    let text = expiring(NOW - 60).to_string();
    let almost = at(0) - Duration::from_nanos(1);
    assert!(check_claims(text.as_bytes(), &config(), almost).is_ok());
    assert!(check_claims(text.as_bytes(), &config(), at(0)).is_err());
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

/// Which addresses, providers and anonymous users are accepted, in the form of settings.
type PolicySettings = [&'static str; 3];

const VERIFIED: PolicySettings = ["verified", "any", "accepted"];
const LISTED: PolicySettings = ["any", "google.com,github.com", "accepted"];
const KNOWN: PolicySettings = ["any", "any", "refused"];

fn policy([email, providers, anonymous]: PolicySettings) -> UserPolicy {
    UserPolicy {
        email: email.parse().unwrap(),
        providers: providers.parse().unwrap(),
        anonymous: anonymous.parse().unwrap(),
    }
}

fn signed_in_by(provider: &str) -> Value {
    with(claims(), "firebase", json!({"sign_in_provider": provider}))
}

fn no_provider() -> Value {
    with(claims(), "firebase", json!({}))
}

#[rstest]
#[case::verified(VERIFIED, claims(), true)]
#[case::unverified(VERIFIED, with(claims(), "email_verified", false), false)]
#[case::not_said_to_be_verified(VERIFIED, without(claims(), "email_verified"), false)]
#[case::no_address(VERIFIED, without(claims(), "email"), false)]
#[case::listed(LISTED, signed_in_by("google.com"), true)]
#[case::not_listed(LISTED, signed_in_by("password"), false)]
#[case::other_case(LISTED, signed_in_by("Google.com"), false)]
#[case::no_provider(LISTED, no_provider(), false)]
#[case::known(KNOWN, signed_in_by("password"), true)]
#[case::anonymous(KNOWN, signed_in_by("anonymous"), false)]
#[case::perhaps_anonymous(KNOWN, no_provider(), false)]
fn users_are_accepted_by_the_policy(
    #[case] settings: PolicySettings,
    #[case] claims: Value,
    #[case] is_accepted: bool,
) {
    let check = || check_claims(claims.to_string().as_bytes(), &config(), at(0)).unwrap();
    assert!(check().accept(&UserPolicy::default()).is_ok());
    let reason = check()
        .accept(&policy(settings))
        .err()
        .map(|error| error.reason());
    assert_eq!(reason, (!is_accepted).then_some("forbidden"));
}
