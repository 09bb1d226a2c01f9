//! Tokens that are accepted, however unusual.

use coderun_domain::testing::{at, user};
use serde_json::{Value, json};

use super::forms::token_of_length;
use super::setup::{Verifier, uneven, with, without};

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

/// What no rule forbids is allowed.
pub async fn unusual_tokens_are_accepted(verifier: Verifier) {
    verifier.assert_all("accepted", forms(&verifier)).await;
    verifier.assert_all("accepted", headers(&verifier)).await;
    verifier.assert_all("accepted", users(&verifier)).await;
    verifier.assert_all("accepted", periods(&verifier)).await;
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

type Tokens = Vec<(&'static str, String)>;

fn forms(verifier: &Verifier) -> Tokens {
    let (header, claims) = (verifier.header(), verifier.claims());
    let escaped = claims.to_string().replace("\"Alice\"", "\"\\u0041lice\"");
    vec![
        ("usual", verifier.good()),
        (
            "parts of other lengths",
            verifier.token_of(uneven(&header), uneven(&claims)),
        ),
        (
            "just as long as allowed",
            token_of_length(verifier, 8 * 1024),
        ),
        ("escapes", verifier.token_of(header.to_string(), escaped)),
        (
            "spaces after the claims",
            verifier.token_of(header.to_string(), format!("{claims} \n")),
        ),
    ]
}

fn headers(verifier: &Verifier) -> Tokens {
    let header = verifier.header();
    let field = |name, value| verifier.token_with_header(&with(header.clone(), name, value));
    let fields = header.as_object().unwrap().iter().rev();
    let turned: Vec<String> = fields
        .map(|(name, it)| format!("\"{name}\" : {it}"))
        .collect();
    let turned = format!("{{ {} }}", turned.join(" ,\n"));
    vec![
        (
            "no typ",
            verifier.token_with_header(&without(header.clone(), &["typ"])),
        ),
        (
            "another order, with spaces",
            verifier.token_of(turned, verifier.claims().to_string()),
        ),
        (
            "a jku that is not read",
            field("jku", json!("https://example.com/keys")),
        ),
        ("a jwk that is not read", field("jwk", json!({}))),
        ("an unknown field", field("cty", json!(null))),
    ]
}

fn users(verifier: &Verifier) -> Tokens {
    let claim = |name, value: Value| verifier.token(&verifier.claims_with(name, value));
    let subject = |sub: &str| {
        let claims = verifier.claims_with("sub", sub);
        verifier.token(&with(claims, "user_id", sub))
    };
    vec![
        (
            "anonymous",
            claim(
                "firebase",
                json!({"identities": {}, "sign_in_provider": "anonymous"}),
            ),
        ),
        (
            "second factor",
            claim(
                "firebase",
                json!({"sign_in_second_factor": "phone", "sign_in_provider": "password"}),
            ),
        ),
        ("unverified", claim("email_verified", json!(false))),
        (
            "custom claims",
            claim("roles", json!({"admin": true, "deep": [[null, 1.5, -1]]})),
        ),
        ("sub not ASCII", subject("ålice-😀")),
        ("sub of one character", subject("a")),
        ("sub of 128 characters", subject(&"s".repeat(128))),
        ("sub of 128 UTF-16 units", subject(&"😀".repeat(64))),
    ]
}

fn periods(verifier: &Verifier) -> Tokens {
    let now = verifier.now;
    let times =
        |iat: i64, exp: i64| verifier.token(&with(verifier.claims_with("iat", iat), "exp", exp));
    let starting = |name, at: i64| verifier.token(&verifier.claims_with(name, at));
    vec![
        ("almost expired", times(now - 3600, now - 59)),
        ("issuer's clock ahead", times(now + 60, now + 3660)),
        ("signed in just now", starting("auth_time", now + 60)),
        ("signed in years ago", starting("auth_time", 1_400_000_000)),
        ("valid from now on", starting("nbf", now + 60)),
        ("valid for a day", times(now, now + 86_400)),
        ("valid for a second", times(now, now + 1)),
    ]
}
