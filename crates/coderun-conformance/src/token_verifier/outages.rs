//! Checks verifiers whose source of keys or users cannot be reached.
//!
//! The clauses have nothing to try for a verifier that asks nothing.

use coderun_domain::{BearerToken, FailureKind};

use super::setup::{Verifier, reason};

/// An outage logs no user out: the error is transient, and says when to ask again.
pub async fn a_token_that_cannot_be_verified_now_is_neither_good_nor_bad(verifier: Verifier) {
    let Some(offline) = verifier.offline() else {
        return;
    };
    for _ in 0..3 {
        let token = BearerToken::new(verifier.good());
        let error = offline.verify(&token).await.unwrap_err();
        assert!(error.kind().is_transient(), "{error:?}");
        assert_eq!(error.kind(), FailureKind::Unavailable);
    }
}

/// What is wrong by itself needs no keys and no users to be refused.
pub async fn a_bad_token_is_bad_without_the_backend(verifier: Verifier) {
    let Some(offline) = verifier.offline() else {
        return;
    };
    let expired = verifier.claims_with("exp", verifier.now - 60);
    let other = verifier.claims_with("aud", "other-project");
    let table = [
        ("malformed", String::new()),
        ("audience", verifier.token(&other)),
        ("expired", verifier.token(&expired)),
    ];
    for (expected, token) in table {
        let result = offline.verify(&BearerToken::new(token)).await;
        assert_eq!(reason(&result), expected);
    }
}
