mod metrics;
mod signatures;

use std::time::Duration;

use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use coderun_domain::FailureKind;
use coderun_domain::testing::ManualClock;
use futures_util::FutureExt as _;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::config::{AnonymousUsers, EmailPolicy};
use crate::keys::KeySet;
use crate::testing::{
    KID, Log, ScriptedKeys, claims, config, expired, fingerprint, forged, good, header, key_set,
    other_key, outage, public_half, set_of, sign, sign_with, token, unsigned, verdict, verifier,
    with,
};

fn verifier_with(keys: &Arc<ScriptedKeys>) -> FirebaseTokenVerifier {
    let keys: Arc<dyn KeySource> = Arc::<ScriptedKeys>::clone(keys);
    FirebaseTokenVerifier::new(config(), keys, Arc::new(ManualClock::default()))
}

/// A set with another key than the one that signs good tokens.
fn other_key_set() -> KeySet {
    set_of("other-key", other_key())
}

fn good_token() -> BearerToken {
    BearerToken::new(good())
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once() {
    let keys = ScriptedKeys::new(Some(other_key_set()), Some(other_key_set()));
    let verdict = verdict(&verifier_with(&keys), &good()).await;
    assert_eq!(verdict, "unknown-kid");
    assert_eq!(keys.looked_for(), [KID]);
}

#[tokio::test]
async fn a_key_that_is_found_is_used() {
    let keys = ScriptedKeys::new(Some(other_key_set()), Some(key_set()));
    let verifier = verifier_with(&keys);
    assert_eq!(verdict(&verifier, &good()).await, "accepted");
    assert_eq!(verdict(&verifier, &forged()).await, "signature");
}

#[tokio::test]
async fn a_known_key_is_not_looked_for() {
    let keys = ScriptedKeys::new(Some(key_set()), None);
    assert_eq!(verdict(&verifier_with(&keys), &good()).await, "accepted");
    assert!(keys.looked_for().is_empty());
}

fn assert_unavailable(error: &VerifyError) {
    assert!(error.kind().is_transient(), "{error:?}");
    assert_eq!(error.kind(), FailureKind::Unavailable);
    let (retry_after, text) = outage(error);
    assert_eq!(retry_after, Duration::from_secs(7));
    assert!(text.ends_with("connection refused"), "{text}");
}

#[tokio::test]
async fn without_keys_a_token_is_neither_good_nor_bad() {
    let keys = Arc::<ScriptedKeys>::default();
    let verifier = verifier_with(&keys);
    assert_unavailable(&verifier.verify(&good_token()).await.unwrap_err());
    assert_unavailable(
        &verifier
            .verify(&BearerToken::new(forged()))
            .await
            .unwrap_err(),
    );
    assert_unavailable(&verifier.check().await.unwrap_err());
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_for_does_not_make_a_token_bad() {
    let keys = ScriptedKeys::new(Some(other_key_set()), None);
    let verifier = verifier_with(&keys);
    assert_unavailable(&verifier.verify(&good_token()).await.unwrap_err());
    verifier.check().await.unwrap();
}

#[tokio::test]
async fn only_a_good_token_reveals_the_policy() {
    let mut config = config();
    config.users.email = EmailPolicy::Verified;
    config.users.anonymous = AnonymousUsers::Refused;
    let unverified = with(claims(), "email_verified", false);
    let signed = unsigned(&header(), &unverified);
    let forged = sign_with(&signed, other_key(), &RSA_PKCS1_SHA256);

    let verifier = verifier(config);
    assert_eq!(verdict(&verifier, &sign(&signed)).await, "forbidden");
    assert_eq!(verdict(&verifier, &forged).await, "signature");
}

#[test]
fn the_cryptography_can_be_installed_any_number_of_times() {
    install_crypto_provider();
    install_crypto_provider();
}

/// What is logged, returned and shown about this token when it is verified.
async fn traces(verifier: &FirebaseTokenVerifier, token: &BearerToken) -> String {
    let log = Log::default();
    let guard = log.listen();
    let result = verifier.verify(token).await;
    drop(guard);
    format!("{}{result:?}{verifier:?}{token:?}", log.text())
}

#[rstest]
#[case::good(good_token())]
#[case::expired(BearerToken::new(expired()))]
#[case::forged(BearerToken::new(forged()))]
#[case::malformed(BearerToken::new(format!("{}.", good())))]
#[case::other_algorithm(BearerToken::new(token(&with(header(), "alg", "none"), &claims())))]
#[case::unknown_key(BearerToken::new(token(&with(header(), "kid", "other"), &claims())))]
#[tokio::test]
async fn no_part_of_a_token_is_logged_or_shown(#[case] token: BearerToken) {
    let traces = traces(&verifier(config()), &token).await;
    for part in token.expose().split('.').filter(|part| !part.is_empty()) {
        assert!(!traces.contains(part), "{traces}");
    }
}

#[tokio::test]
async fn a_refusal_is_logged_with_fingerprint_key_and_reason() {
    let token = BearerToken::new(expired());
    let traces = traces(&verifier(config()), &token).await;
    assert!(traces.contains(&fingerprint(token.expose())), "{traces}");
    assert!(traces.contains(r#"kid="current-key""#), "{traces}");
    assert!(traces.contains(r#"reason="expired""#), "{traces}");
}

#[tokio::test]
async fn a_hostile_key_name_cannot_forge_a_log_line() {
    let hostile = with(header(), "kid", "x\n2026-01-01 ERROR forged \u{1b}[31m");
    let token = BearerToken::new(token(&hostile, &claims()));
    let traces = traces(&verifier(config()), &token).await;
    assert!(!traces.contains("x\n"), "{traces}");
    assert!(!traces.contains('\u{1b}'), "{traces}");
    assert!(traces.contains(r"x\n2026-01-01 ERROR forged"), "{traces}");
}

fn is_accepted(verifier: &FirebaseTokenVerifier, token: String) -> bool {
    // Keys that never change are there at once.
    let token = BearerToken::new(token);
    let principal = verifier.verify(&token).now_or_never();
    principal.unwrap().is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_token_changed_in_any_place_is_refused(
        place in any::<prop::sample::Index>(),
        replacement in prop_oneof![
            3 => "[A-Za-z0-9_.=-]",
            1 => any::<char>().prop_map(String::from),
        ],
    ) {
        let good = good();
        let place = place.index(good.len());
        prop_assume!(good[place..=place] != replacement);
        let mut changed = good.clone();
        changed.replace_range(place..=place, &replacement);
        prop_assert!(!is_accepted(&verifier(config()), changed));
    }

    #[test]
    fn a_token_cut_or_extended_is_refused(
        length in any::<prop::sample::Index>(),
        extension in "[A-Za-z0-9_.=-]{1,8}",
    ) {
        let good = good();
        let verifier = verifier(config());
        prop_assert!(!is_accepted(&verifier, good[..length.index(good.len())].to_owned()));
        let (after, before) = (format!("{good}{extension}"), format!("{extension}{good}"));
        prop_assert!(!is_accepted(&verifier, after));
        prop_assert!(!is_accepted(&verifier, before));
        prop_assert!(is_accepted(&verifier, good));
    }

    #[test]
    fn no_text_makes_the_verifier_panic(header in ".{0,200}", claims in ".{0,200}") {
        let token = crate::testing::token_of(header, claims);
        prop_assert!(!is_accepted(&verifier(config()), token));
    }
}
