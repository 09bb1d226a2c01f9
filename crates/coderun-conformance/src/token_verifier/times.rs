//! Checks that tokens whose times are wrong are refused.

use coderun_domain::testing::at;
use serde_json::json;

use super::setup::{Verifier, with_literal};

/// A token that was accepted is refused once its time and the skew are over.
pub async fn a_token_expires_after_the_skew(verifier: Verifier) {
    let token = verifier.good();
    verifier.clock.set(at(3600 + 59));
    assert_eq!(verifier.verdict(&token).await, "accepted");
    verifier.clock.set(at(3600 + 60));
    assert_eq!(verifier.verdict(&token).await, "expired");
}

/// A token whose time was over when it came first is refused.
pub async fn an_expired_token_is_refused(verifier: Verifier) {
    let now = verifier.now;
    let periods = [(now - 3600, now - 60), (now - 7200, now - 3600), (0, 3600)];
    verifier.assert_periods("expired", &periods).await;
}

/// A token that begins after the skew is refused.
pub async fn a_token_from_the_future_is_refused(verifier: Verifier) {
    for name in ["iat", "auth_time", "nbf"] {
        let start = json!([verifier.now + 61]);
        verifier.assert_claims("not-yet-valid", name, start).await;
    }
}

/// A token is issued before it expires, and not long before.
pub async fn a_lifetime_is_positive_and_at_most_a_day(verifier: Verifier) {
    let now = verifier.now;
    let periods = [
        (now + 10, now + 10),
        (now + 10, now + 9),
        (now, now + 86_401),
        (now, 253_402_300_799),
    ];
    verifier.assert_periods("malformed", &periods).await;
}

/// A time is a whole number of seconds up to the year 9999, and nothing else is read as one.
pub async fn a_time_is_a_whole_number(verifier: Verifier) {
    let literals = [
        "null",
        "\"1800003600\"",
        "1800003600.5",
        "1800003600.0",
        "18e8",
        "1e999",
        "NaN",
        "-1",
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775807",
        "253402300800",
        "0x7fffffff",
        "01800003600",
        "+1800003600",
        "[1800003600]",
        "true",
        "{}",
    ];
    for name in ["exp", "iat", "auth_time", "nbf"] {
        let texts = literals.map(|literal| with_literal(verifier.claims(), name, literal));
        verifier.assert_texts("malformed", texts).await;
    }
}
