//! Bad tokens that other verifiers were found to accept, and their neighbours; and good ones that must pass.
//!
//! All are signed by the right key unless they say otherwise: the signature alone must not save a verifier.

mod claims;
mod forms;
mod good;
mod headers;
mod signatures;

use super::*;
use crate::testing::{config, verifier};

/// A token, by a name that says what is wrong with it, and the reason for which it must be refused.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) token: String,
    pub(crate) reason: &'static str,
}

/// All bad tokens.
pub(crate) fn bad_tokens() -> Vec<Case> {
    let groups = [
        forms::cases(),
        signatures::cases(),
        headers::cases(),
        claims::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// All good tokens, by name.
pub(crate) fn good_tokens() -> Vec<(&'static str, String)> {
    good::tokens()
}

fn case(name: &'static str, token: String, reason: &'static str) -> Case {
    Case {
        name,
        token,
        reason,
    }
}

async fn verdict(verifier: &FirebaseTokenVerifier, token: &str) -> &'static str {
    match verifier.verify(&BearerToken::new(token)).await {
        Ok(_) => "accepted",
        Err(error) => error.reason(),
    }
}

#[tokio::test]
async fn no_bad_token_is_accepted_and_each_is_refused_for_its_reason() {
    let verifier = verifier(config());
    for (_, token) in good::tokens() {
        verdict(&verifier, &token).await;
    }
    let remembered = verifier.verified.count();
    let mut count = 0;
    let mut wrong = Vec::new();
    for case in bad_tokens() {
        count += 1;
        // Again, because what is remembered of the first time must not help.
        for found in [
            verdict(&verifier, &case.token).await,
            verdict(&verifier, &case.token).await,
        ] {
            if found != case.reason {
                wrong.push((case.name, case.reason, found));
            }
        }
    }
    assert_eq!(verifier.verified.count(), remembered);
    assert!(wrong.is_empty(), "(name, expected, found): {wrong:#?}");
    assert!(count >= 228, "only {count} bad tokens are left");
}

#[tokio::test]
async fn every_good_token_is_accepted() {
    let verifier = verifier(config());
    let mut wrong = Vec::new();
    for (name, token) in good::tokens() {
        for found in [
            verdict(&verifier, &token).await,
            verdict(&verifier, &token).await,
        ] {
            if found != "accepted" {
                wrong.push((name, found));
            }
        }
    }
    assert!(wrong.is_empty(), "(name, found): {wrong:#?}");
}
