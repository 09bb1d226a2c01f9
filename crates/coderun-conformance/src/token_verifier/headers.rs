//! Checks that tokens whose header is wrong are refused.

use serde_json::{Value, json};

use super::setup::{Verifier, without};

/// Only the algorithm of the issuer is accepted, spelled as it should be; `none` is one of the others for signed tokens.
pub async fn another_algorithm_is_refused(verifier: Verifier) {
    let own = verifier.header()["alg"].clone();
    let mut others = json!([
        "none",
        "None",
        "NONE",
        "RS256",
        "rs256",
        "RS256 ",
        "RS384",
        "PS256",
        "HS256",
        "ES256",
        "EdDSA",
        "",
        null,
        [own],
        256
    ]);
    others.as_array_mut().unwrap().retain(|alg| *alg != own);
    verifier.assert_headers("algorithm", "alg", others).await;
    let missing = verifier.token_with_header(&without(verifier.header(), &["alg"]));
    verifier.assert_tokens("algorithm", [missing]).await;
}

/// A token of another type, or with an extension that changes what its signature means, is refused.
pub async fn another_header_is_malformed(verifier: Verifier) {
    for (name, values) in [
        ("typ", json!(["at+jwt", "jwt", "JWE", null, 1])),
        ("crit", json!([["exp"], [], null])),
        ("b64", json!([false, true])),
    ] {
        verifier.assert_headers("malformed", name, values).await;
    }
}

/// The header is one JSON object that fills its part, with each field once.
pub async fn a_text_that_is_no_header_is_malformed(verifier: Verifier) {
    let header = verifier.header();
    let good = header.to_string();
    let opened = &good[1..];
    let values: Value = header.as_object().unwrap().values().cloned().collect();
    let alg = &header["alg"];
    let texts = [
        "null".to_owned(),
        alg.to_string(),
        values.to_string(),
        format!("[{good}]"),
        good[..good.len() - 1].to_owned(),
        format!("{good}{{}}"),
        format!("{good},"),
        format!("\u{feff}{good}"),
        format!("{{/**/{opened}"),
        format!("{{\"alg\":\"HS256\",{opened}"),
        format!("{{\"alg\":{alg},{opened}"),
        format!("{{\"\\u0061lg\":\"HS256\",{opened}"),
        format!("{{\"kid\":\"a\",\"kid\":\"a\",{opened}"),
    ];
    let claims = verifier.claims().to_string();
    let tokens = texts.map(|text| (text.clone(), verifier.token_of(text, &claims)));
    verifier.assert_all("malformed", tokens).await;
}
