//! Tokens whose times are wrong.

use coderun_domain::testing::at;
use serde_json::Value;

use super::setup::{Verifier, with, with_literal};

fn times(verifier: &Verifier, iat: i64, exp: i64) -> String {
    let claims = with(verifier.claims_with("iat", iat), "exp", exp);
    verifier.token(&with(claims, "auth_time", 0))
}

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
    let tokens = [(now - 3600, now - 60), (now - 7200, now - 3600), (0, 3600)];
    let tokens = tokens.map(|(iat, exp)| ((iat, exp), times(&verifier, iat, exp)));
    verifier.assert_all("expired", tokens).await;
}

/// A token that begins after the skew is refused.
pub async fn a_token_from_the_future_is_refused(verifier: Verifier) {
    let starts = ["iat", "auth_time", "nbf"].map(|name| {
        let claims = verifier.claims_with(name, verifier.now + 61);
        (name, verifier.token(&claims))
    });
    verifier.assert_all("not-yet-valid", starts).await;
}

/// A token is issued before it expires, and not long before.
pub async fn a_lifetime_is_positive_and_at_most_a_day(verifier: Verifier) {
    let now = verifier.now;
    let tokens = [
        ("iat is exp", times(&verifier, now + 10, now + 10)),
        ("iat after exp", times(&verifier, now + 10, now + 9)),
        ("a day and a second", times(&verifier, now, now + 86_401)),
        ("for ever", times(&verifier, now, 253_402_300_799)),
    ];
    verifier.assert_all("malformed", tokens).await;
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
    let header = verifier.header().to_string();
    let tokens = ["exp", "iat", "auth_time", "nbf"].map(|name| {
        literals.map(|literal| {
            let claims: Value = verifier.claims();
            let text = with_literal(claims, name, literal);
            ((name, literal), verifier.token_of(&header, text))
        })
    });
    verifier
        .assert_all("malformed", tokens.into_iter().flatten())
        .await;
}
