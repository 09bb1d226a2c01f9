//! Tokens whose header is wrong.

use serde_json::{Value, json};

use super::setup::{Verifier, with, without};

fn tokens_with<'tokens>(
    verifier: &'tokens Verifier,
    name: &'tokens str,
    values: impl IntoIterator<Item = Value> + 'tokens,
) -> impl Iterator<Item = (Value, String)> + 'tokens {
    values.into_iter().map(move |value| {
        let header = with(verifier.header(), name, value.clone());
        (value, verifier.token_with_header(&header))
    })
}

/// Only the algorithm of the issuer is accepted, spelled as it should be; `none` is one of the others for signed tokens.
pub async fn another_algorithm_is_refused(verifier: Verifier) {
    let own = verifier.header()["alg"].clone();
    let others = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("RS256"),
        json!("rs256"),
        json!("RS256 "),
        json!("RS384"),
        json!("PS256"),
        json!("HS256"),
        json!("ES256"),
        json!("EdDSA"),
        json!(""),
        json!(null),
        json!([own]),
        json!(256),
    ];
    let others = others.into_iter().filter(|alg| *alg != own);
    verifier
        .assert_all("algorithm", tokens_with(&verifier, "alg", others))
        .await;
    let missing = without(verifier.header(), &["alg"]);
    let missing = verifier.token_with_header(&missing);
    verifier
        .assert_all("algorithm", [("missing", missing)])
        .await;
}

/// A token of another type, or with an extension that changes what its signature means, is refused.
pub async fn another_header_is_malformed(verifier: Verifier) {
    let table = [
        (
            "typ",
            vec![
                json!("at+jwt"),
                json!("jwt"),
                json!("JWE"),
                json!(null),
                json!(1),
            ],
        ),
        ("crit", vec![json!(["exp"]), json!([]), json!(null)]),
        ("b64", vec![json!(false), json!(true)]),
    ];
    for (name, values) in table {
        verifier
            .assert_all("malformed", tokens_with(&verifier, name, values))
            .await;
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
