//! Tokens that must pass, however unusual.

use serde_json::json;

use crate::testing::{
    KID, NOW, claims, good, header, key, subject, times, token, token_of, token_of_length, uneven,
    web_key, with, without,
};

pub(super) fn tokens() -> Vec<(&'static str, String)> {
    [forms(), headers(), users(), periods()].concat()
}

type Named = Vec<(&'static str, String)>;

fn forms() -> Named {
    let escaped = claims().to_string().replace("\"Alice\"", "\"\\u0041lice\"");
    vec![
        ("usual", good()),
        (
            "parts of other lengths",
            token_of(uneven(&header()), uneven(&claims())),
        ),
        ("just as long as allowed", token_of_length(8 * 1024)),
        ("escapes", token_of(header().to_string(), escaped)),
        (
            "spaces after the claims",
            token_of(header().to_string(), format!("{} \n", claims())),
        ),
    ]
}

fn headers() -> Named {
    let field = |name, value| token(&with(header(), name, value), &claims());
    let spaced = "{ \"alg\" : \"RS256\" ,\n\"kid\":\"current-key\" }";
    let turned = r#"{"typ":"JWT","kid":"current-key","alg":"RS256"}"#;
    vec![
        ("no typ", token(&without(header(), "typ"), &claims())),
        ("another order", token_of(turned, claims().to_string())),
        ("spaces", token_of(spaced, claims().to_string())),
        ("a jwk that nobody reads", field("jwk", web_key(KID, key()))),
        (
            "a jku that nobody reads",
            field("jku", json!("https://example.com/keys")),
        ),
        ("an unknown field", field("cty", json!(null))),
    ]
}

fn users() -> Named {
    let claim = |name, value| token(&header(), &with(claims(), name, value));
    let anonymous = json!({"identities": {}, "sign_in_provider": "anonymous"});
    let second_factor = json!({"sign_in_second_factor": "phone", "sign_in_provider": "password"});
    let nameless = without(without(claims(), "email"), "email_verified");
    vec![
        (
            "no user_id",
            token(&header(), &without(claims(), "user_id")),
        ),
        ("no email", token(&header(), &nameless)),
        ("no name", token(&header(), &without(claims(), "name"))),
        ("anonymous", claim("firebase", anonymous)),
        ("second factor", claim("firebase", second_factor)),
        ("unverified", claim("email_verified", json!(false))),
        (
            "custom claims",
            claim("roles", json!({"admin": true, "deep": [[null, 1.5, -1]]})),
        ),
        (
            "picture",
            claim("picture", json!("https://example.com/a.png")),
        ),
        ("sub not ASCII", subject("ålice-😀")),
        ("sub of one character", subject("a")),
        ("sub of 128 characters", subject(&"s".repeat(128))),
        ("sub of 128 UTF-16 units", subject(&"😀".repeat(64))),
    ]
}

fn periods() -> Named {
    let starting = |name, at: i64| token(&header(), &with(claims(), name, at));
    vec![
        ("almost expired", times(NOW - 3600, NOW - 59)),
        ("issuer's clock ahead", times(NOW + 60, NOW + 3660)),
        ("signed in just now", starting("auth_time", NOW + 60)),
        ("signed in years ago", starting("auth_time", 1_400_000_000)),
        ("valid from now on", starting("nbf", NOW + 60)),
        ("valid for a day", times(NOW, NOW + 86_400)),
    ]
}
