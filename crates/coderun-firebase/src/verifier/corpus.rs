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
struct Case {
    name: &'static str,
    token: String,
    reason: &'static str,
}

fn case(name: &'static str, token: String, reason: &'static str) -> Case {
    Case {
        name,
        token,
        reason,
    }
}

async fn verdict(verifier: &FirebaseTokenVerifier, token: String) -> &'static str {
    match verifier.verify(&BearerToken::new(token)).await {
        Ok(_) => "accepted",
        Err(error) => error.reason(),
    }
}

#[tokio::test]
async fn no_bad_token_is_accepted_and_each_is_refused_for_its_reason() {
    let groups = [
        forms::cases(),
        signatures::cases(),
        headers::cases(),
        claims::cases(),
    ];
    let verifier = verifier(config());
    let mut count = 0;
    let mut wrong = Vec::new();
    for case in groups.into_iter().flatten() {
        count += 1;
        let found = verdict(&verifier, case.token).await;
        if found != case.reason {
            wrong.push((case.name, case.reason, found));
        }
    }
    assert!(wrong.is_empty(), "(name, expected, found): {wrong:#?}");
    assert!(count >= 228, "only {count} bad tokens are left");
}

#[tokio::test]
async fn every_good_token_is_accepted() {
    let verifier = verifier(config());
    let mut wrong = Vec::new();
    for (name, token) in good::tokens() {
        let found = verdict(&verifier, token).await;
        if found != "accepted" {
            wrong.push((name, found));
        }
    }
    assert!(wrong.is_empty(), "(name, found): {wrong:#?}");
}
