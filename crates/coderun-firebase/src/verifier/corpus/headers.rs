//! Tokens whose header is wrong.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA384, RSA_PSS_SHA256};
use serde_json::{Value, json};

use super::{Case, case};
use crate::testing::{
    KID, claims, encode, header, key, public_half, sign_with, token, token_of, unsigned, with,
    without,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = fields();
    cases.extend(texts());
    cases.extend(algorithms());
    for (name, field, reason) in [
        ("missing algorithm", "alg", "algorithm"),
        ("missing kid", "kid", "no-kid"),
    ] {
        cases.push(case(
            name,
            token(&without(header(), field), &claims()),
            reason,
        ));
    }
    cases
}

fn fields() -> Vec<Case> {
    let table: [(_, _, Value, _); 25] = [
        ("none", "alg", json!("none"), "algorithm"),
        ("None", "alg", json!("None"), "algorithm"),
        ("NONE", "alg", json!("NONE"), "algorithm"),
        ("rs256", "alg", json!("rs256"), "algorithm"),
        ("RS256 with a space", "alg", json!("RS256 "), "algorithm"),
        ("ES256", "alg", json!("ES256"), "algorithm"),
        ("EdDSA", "alg", json!("EdDSA"), "algorithm"),
        ("empty algorithm", "alg", json!(""), "algorithm"),
        ("algorithm null", "alg", json!(null), "algorithm"),
        ("algorithm array", "alg", json!(["RS256"]), "algorithm"),
        ("algorithm number", "alg", json!(256), "algorithm"),
        ("crit", "crit", json!(["exp"]), "malformed"),
        ("empty crit", "crit", json!([]), "malformed"),
        ("crit null", "crit", json!(null), "malformed"),
        ("b64 false", "b64", json!(false), "malformed"),
        ("b64 true", "b64", json!(true), "malformed"),
        ("access token", "typ", json!("at+jwt"), "malformed"),
        ("encrypted token", "typ", json!("JWE"), "malformed"),
        ("type null", "typ", json!(null), "malformed"),
        ("empty kid", "kid", json!(""), "no-kid"),
        ("kid of 257 bytes", "kid", json!("k".repeat(257)), "no-kid"),
        (
            "kid of 129 two-byte letters",
            "kid",
            json!("é".repeat(129)),
            "no-kid",
        ),
        ("kid number", "kid", json!(1), "no-kid"),
        ("kid null", "kid", json!(null), "no-kid"),
        ("kid array", "kid", json!([KID]), "no-kid"),
    ];
    table
        .into_iter()
        .map(|(name, field, value, reason)| {
            let token = token(&with(header(), field, value), &claims());
            case(name, token, reason)
        })
        .collect()
}

fn texts() -> Vec<Case> {
    let good = header().to_string();
    let table = [
        ("header null", "null".to_owned()),
        ("header text", "RS256".to_owned()),
        (
            "header array",
            r#"["RS256","JWT","current-key"]"#.to_owned(),
        ),
        ("header in an array", format!("[{good}]")),
        ("header cut off", good[..good.len() - 1].to_owned()),
        ("object after header", format!("{good}{{}}")),
        ("comma after header", format!("{good},")),
        ("byte order mark before header", format!("\u{feff}{good}")),
        ("comment in header", format!("{{/**/{}", &good[1..])),
        (
            "algorithm twice",
            format!("{{\"alg\":\"none\",{}", &good[1..]),
        ),
        (
            "algorithm twice, same",
            format!("{{\"alg\":\"RS256\",{}", &good[1..]),
        ),
        (
            "algorithm twice by escape",
            format!("{{\"\\u0061lg\":\"none\",{}", &good[1..]),
        ),
        ("kid twice", format!("{{\"kid\":\"other\",{}", &good[1..])),
    ];
    table
        .into_iter()
        .map(|(name, text)| case(name, token_of(text, claims().to_string()), "malformed"))
        .collect()
}

/// Tokens that are rightly signed, in a way that is not ours.
fn algorithms() -> Vec<Case> {
    let signed = |alg| unsigned(&with(header(), "alg", alg), &claims());
    let table = [
        (
            "HS256 with the public key",
            hs256(key().public_key().as_ref()),
        ),
        ("HS256 with the modulus", hs256(&public_half(key()).modulus)),
        ("HS256 with nothing", hs256(b"")),
        (
            "RS384",
            sign_with(&signed("RS384"), key(), &RSA_PKCS1_SHA384),
        ),
        ("PS256", sign_with(&signed("PS256"), key(), &RSA_PSS_SHA256)),
        (
            "none with a signature of nothing",
            format!("{}.AA", signed("none")),
        ),
    ];
    table
        .into_iter()
        .map(|(name, token)| case(name, token, "algorithm"))
        .collect()
}

fn hs256(secret: &[u8]) -> String {
    let signed = unsigned(&with(header(), "alg", "HS256"), &claims());
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        signed.as_bytes(),
    );
    format!("{signed}.{}", encode(tag))
}
