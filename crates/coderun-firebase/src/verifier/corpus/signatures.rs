//! Tokens whose signature is wrong, or right for another key.

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PSS_SHA256};
use serde_json::{Value, json};

use super::{Case, case};
use crate::testing::{
    KID, claims, encode, good, header, key, other_key, sign_with, token, unsigned, web_key, with,
    without,
};

pub(super) fn cases() -> Vec<Case> {
    let wrong = [damaged(), by_others()].into_iter().flatten();
    wrong
        .map(|(name, token)| case(name, token, "signature"))
        .chain(unknown_keys())
        .collect()
}

type Named = Vec<(&'static str, String)>;

fn damaged() -> Named {
    let signed = unsigned(&header(), &claims());
    let good = good();
    let signature = &good[signed.len() + 1..];
    let bob = without(with(claims(), "sub", "bob"), "user_id");
    let with_zero = [&[0], crate::parse::decode(signature).unwrap().as_slice()].concat();
    vec![
        ("first bits flipped", flipped(&good, signed.len() + 1)),
        ("middle bits flipped", flipped(&good, good.len() - 171)),
        ("last whole bits flipped", flipped(&good, good.len() - 2)),
        ("a byte cut off", good[..good.len() - 2].to_owned()),
        (
            "a byte more",
            format!("{signed}.{signature}AA").replace("AAA", "AA"),
        ),
        ("a zero before", format!("{signed}.{}", encode(with_zero))),
        ("twice", format!("{signed}.{signature}{signature}")),
        ("one byte", format!("{signed}.AA")),
        ("zeros", format!("{signed}.{}", encode([0; 256]))),
        ("ones", format!("{signed}.{}", encode([0xFF; 256]))),
        (
            "of other claims",
            format!("{}.{signature}", unsigned(&header(), &bob)),
        ),
        (
            "of another header",
            format!(
                "{}.{signature}",
                unsigned(&without(header(), "typ"), &claims())
            ),
        ),
    ]
}

fn by_others() -> Named {
    let signed = unsigned(&header(), &claims());
    vec![
        (
            "another key of the same name",
            sign_with(&signed, other_key(), &RSA_PKCS1_SHA256),
        ),
        (
            "SHA-384 under RS256",
            sign_with(&signed, key(), &RSA_PKCS1_SHA384),
        ),
        (
            "PSS under RS256",
            sign_with(&signed, key(), &RSA_PSS_SHA256),
        ),
        ("own jwk", bringing_a_key("jwk", web_key(KID, other_key()))),
        (
            "own jku",
            bringing_a_key("jku", json!("https://example.com/keys")),
        ),
        (
            "own x5u",
            bringing_a_key("x5u", json!("https://example.com/certificate")),
        ),
        ("own x5c", bringing_a_key("x5c", json!(["MIIB"]))),
    ]
}

/// A token of another key, whose header says where that key is.
fn bringing_a_key(field: &str, value: Value) -> String {
    let signed = unsigned(&with(header(), field, value), &claims());
    sign_with(&signed, other_key(), &RSA_PKCS1_SHA256)
}

fn unknown_keys() -> impl Iterator<Item = Case> {
    let named = |name, kid: String| {
        let token = token(&with(header(), "kid", kid), &claims());
        case(name, token, "unknown-kid")
    };
    [
        named("unknown key", "another-key".to_owned()),
        named("key name in another case", KID.to_uppercase()),
        named("key name with a space", format!("{KID} ")),
        named("key name with NUL", format!("{KID}\0")),
        named("key name is a path", "../../dev/null".to_owned()),
        named("key name of 256 bytes", "k".repeat(256)),
    ]
    .into_iter()
}

fn flipped(token: &str, place: usize) -> String {
    let other = if &token[place..=place] == "A" {
        "Q"
    } else {
        "A"
    };
    let mut token = token.to_owned();
    token.replace_range(place..=place, other);
    token
}
