//! Checks that good tokens are accepted, however unusual.

use coderun_domain::testing::{at, user};
use serde_json::json;

use super::forms::token_of_length;
use super::setup::{Verifier, json_with_spare_bits, with, without};

/// The principal is the user of the token, with what it says of them.
pub async fn a_good_token_names_its_user(verifier: Verifier) {
    let principal = verifier.verify(&verifier.good()).await.unwrap();
    assert_eq!(principal.user, user("alice"));
    assert_eq!(principal.expires_at, at(3600));
    assert_eq!(principal.email.as_deref(), Some("alice@example.com"));
    assert_eq!(principal.name.as_deref(), Some("Alice"));
    assert_eq!(principal.email_verified, Some(true));
}

/// Address, name and `user_id` may be missing.
pub async fn a_token_need_say_no_more_than_it_must(verifier: Verifier) {
    let least = without(
        verifier.claims_with("firebase", json!({})),
        &["user_id", "email", "email_verified", "name"],
    );
    let principal = verifier.verify(&verifier.token(&least)).await.unwrap();
    assert_eq!(principal.user, user("alice"));
    assert_eq!(principal.email, None);
    assert_eq!(principal.name, None);
    assert_eq!(principal.email_verified, None);
}

/// A form that no rule forbids is allowed.
pub async fn unusual_forms_are_accepted(verifier: Verifier) {
    let (header, claims) = (verifier.header(), verifier.claims());
    let escaped = claims.to_string().replace("\"Alice\"", "\"\\u0041lice\"");
    let tokens = [
        // Parts of other lengths, and a token just as long as allowed.
        verifier.token_of(json_with_spare_bits(&header), json_with_spare_bits(&claims)),
        token_of_length(&verifier, 8 * 1024),
    ];
    verifier.assert_tokens("accepted", tokens).await;
    let texts = [escaped, format!("{claims} \n")];
    verifier.assert_texts("accepted", texts).await;
}

/// A header may have its fields in any order, no type, and fields that are not read.
pub async fn unusual_headers_are_accepted(verifier: Verifier) {
    let header = verifier.header();
    let fields = header.as_object().unwrap().iter().rev();
    let turned: Vec<String> = fields
        .map(|(name, it)| format!("\"{name}\" : {it}"))
        .collect();
    let turned = format!("{{ {} }}", turned.join(" ,\n"));
    let tokens = [
        verifier.token_with_header(&without(header.clone(), &["typ"])),
        verifier.token_of(turned, verifier.claims().to_string()),
    ];
    verifier.assert_tokens("accepted", tokens).await;
    let keys = json!(["https://example.com/keys"]);
    verifier.assert_headers("accepted", "jku", keys).await;
    verifier
        .assert_headers("accepted", "jwk", json!([{}]))
        .await;
    verifier
        .assert_headers("accepted", "cty", json!([null]))
        .await;
}

/// A user may be anonymous, unverified, have claims of the project's own, and any id.
pub async fn unusual_users_are_accepted(verifier: Verifier) {
    let signed_in = json!([
        {"identities": {}, "sign_in_provider": "anonymous"},
        {"sign_in_second_factor": "phone", "sign_in_provider": "password"},
    ]);
    let unverified = json!([false]);
    let custom = json!([{"admin": true, "deep": [[null, 1.5, -1]]}]);
    for (name, values) in [
        ("firebase", signed_in),
        ("email_verified", unverified),
        ("roles", custom),
    ] {
        verifier.assert_claims("accepted", name, values).await;
    }
    // At most 128 UTF-16 units.
    let longest = ["s".repeat(128), "😀".repeat(64)];
    let subjects = ["ålice-😀", "a", &longest[0], &longest[1]];
    verifier.assert_subjects("accepted", &subjects).await;
}

/// Any period is allowed that is not over and has begun, within the skew.
pub async fn unusual_periods_are_accepted(verifier: Verifier) {
    let now = verifier.now;
    let periods = [
        (now - 3600, now - 59),
        (now + 60, now + 3660),
        (now, now + 86_400),
        (now, now + 1),
    ];
    verifier.assert_periods("accepted", &periods).await;
    for (name, values) in [
        ("auth_time", json!([now + 60, 1_400_000_000])),
        ("nbf", json!([now + 60])),
    ] {
        verifier.assert_claims("accepted", name, values).await;
    }
}

/// A token is good for any number of times.
pub async fn a_token_is_accepted_again(verifier: Verifier) {
    let token = verifier.good();
    let first = verifier.verify(&token).await.unwrap();
    assert_eq!(verifier.verify(&token).await.unwrap(), first);
    let bob = with(verifier.claims_with("sub", "bob"), "user_id", "bob");
    let second = verifier.verify(&verifier.token(&bob)).await.unwrap();
    assert_eq!(second.user, user("bob"));
}

/// `check` succeeds where tokens can be verified.
pub async fn a_verifier_that_works_says_so(verifier: Verifier) {
    assert_eq!(verifier.verdict(&verifier.good()).await, "accepted");
    verifier.check().await.unwrap();
}
