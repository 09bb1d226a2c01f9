//! Checks that tokens which the issuer did not sign are refused.
//!
//! Unsigned tokens, such as the emulator's, have nothing to forge: these clauses then try nothing, and a token with a
//! signature is refused by its form.

use serde_json::{Value, json};

use super::setup::{Verifier, encode, with, without};

fn forged(verifier: &Verifier, header: &Value) -> Option<String> {
    let parts = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(verifier.claims().to_string())
    );
    verifier.issuer().forge.as_ref().map(|forge| forge(&parts))
}

/// A signature by another key of the same name is refused.
pub async fn a_token_of_another_issuer_is_refused(verifier: Verifier) {
    if let Some(forged) = forged(&verifier, &verifier.header()) {
        assert_eq!(verifier.verdict(&forged).await, "signature");
    }
}

/// The signature of one token is that of no other, also when the other one was accepted before.
pub async fn a_changed_token_is_refused(verifier: Verifier) {
    let good = verifier.good();
    assert_eq!(verifier.verdict(&good).await, "accepted");
    let (parts, signature) = good.rsplit_once('.').unwrap();
    if signature.is_empty() {
        return;
    }
    let bob = with(verifier.claims_with("sub", "bob"), "user_id", "bob");
    let bob = verifier.token(&bob);
    let other_header = verifier.token_with_header(&without(verifier.header(), &["typ"]));
    let parts_of = |token: &str| token.rsplit_once('.').unwrap().0.to_owned();
    let flipped = |place: usize| {
        let mut changed = good.clone();
        let other = if &good[place..=place] == "A" {
            "Q"
        } else {
            "A"
        };
        changed.replace_range(place..=place, other);
        changed
    };
    let tokens = [
        ("of other claims", format!("{}.{signature}", parts_of(&bob))),
        (
            "of another header",
            format!("{}.{signature}", parts_of(&other_header)),
        ),
        ("first bits flipped", flipped(parts.len() + 1)),
        (
            "middle bits flipped",
            flipped(good.len() - signature.len() / 2),
        ),
        ("last whole bits flipped", flipped(good.len() - 2)),
        ("a byte cut off", good[..good.len() - 2].to_owned()),
        ("twice", format!("{parts}.{signature}{signature}")),
        ("one byte", format!("{parts}.AA")),
        ("zeros", format!("{parts}.{}", encode([0; 256]))),
        ("ones", format!("{parts}.{}", encode([0xFF; 256]))),
    ];
    verifier.assert_all("signature", tokens).await;
}

/// Where the key is, a token may say as often as it likes.
pub async fn a_key_that_a_token_brings_is_not_used(verifier: Verifier) {
    let fields = [
        ("jwk", json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
        ("jku", json!("https://example.com/keys")),
        ("x5u", json!("https://example.com/certificate")),
        ("x5c", json!(["MIIB"])),
    ];
    let tokens = fields.into_iter().filter_map(|(name, value)| {
        let header = with(verifier.header(), name, value);
        Some((name, forged(&verifier, &header)?))
    });
    verifier.assert_all("signature", tokens).await;
}

/// A signed token names a key of the issuer.
pub async fn a_token_must_name_a_known_key(verifier: Verifier) {
    let Some(kid) = verifier.header()["kid"].as_str().map(str::to_owned) else {
        return;
    };
    let unknown = json!([
        "another-key",
        kid.to_uppercase(),
        format!("{kid} "),
        format!("{kid}\0"),
        "../../dev/null",
        "k".repeat(256),
    ]);
    verifier.assert_headers("unknown-kid", "kid", unknown).await;
    let no_name = json!(["", "k".repeat(257), "é".repeat(129), 1, null, [kid]]);
    verifier.assert_headers("no-kid", "kid", no_name).await;
    let missing = verifier.token_with_header(&without(verifier.header(), &["kid"]));
    verifier.assert_tokens("no-kid", [missing]).await;
}
