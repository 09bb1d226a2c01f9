//! Checks that tokens whose claims are wrong are refused.

use serde_json::{Value, json};

use super::setup::{Verifier, with_literal, without};

/// A token must say who issued it, for whom, and when.
pub async fn a_required_claim_may_not_be_missing(verifier: Verifier) {
    let missing = |name| (name, verifier.token(&without(verifier.claims(), &[name])));
    let tokens = ["iss", "aud", "sub", "exp", "iat", "auth_time"].map(missing);
    verifier.assert_all("malformed", tokens).await;
    verifier.assert_all("subject", [missing("firebase")]).await;
}

/// The audience is the project, byte for byte.
pub async fn another_audience_is_refused(verifier: Verifier) {
    let project = verifier.issuer().audience.as_str();
    let others = json!([
        "other-project",
        "",
        project[..project.len() - 1],
        format!("{project}-2"),
        format!("{project} "),
        project.to_uppercase(),
        verifier.issuer().issuer,
    ]);
    verifier.assert_claims("audience", "aud", others).await;
}

/// The issuer is the expected one for the project, byte for byte.
pub async fn another_issuer_is_refused(verifier: Verifier) {
    let project = verifier.issuer().audience.as_str();
    let issuer = verifier.issuer().issuer.as_str();
    let prefix = issuer.strip_suffix(project).unwrap();
    let host = prefix.trim_start_matches("https://").trim_end_matches('/');
    let others = json!([
        "",
        project,
        prefix,
        format!("{issuer}/"),
        format!("{issuer}-2"),
        format!(" {issuer}"),
        format!("{prefix}other-project"),
        format!("http://{host}/{project}"),
        format!("https://{host}:443/{project}"),
        format!("https://{host}.example.com/{project}"),
        format!("https://{}/{project}", host.to_uppercase()),
        format!("https://session.firebase.google.com/{project}"),
        format!("https://elsewhere.coderun.invalid/{project}"),
        "https://accounts.google.com",
    ]);
    verifier.assert_claims("issuer", "iss", others).await;
}

/// The subject is a user id, and `user_id` is the same.
pub async fn another_subject_is_refused(verifier: Verifier) {
    let too_long = ["s".repeat(129), format!("{}s", "😀".repeat(64))];
    let subjects = [
        "",
        &too_long[0],
        &too_long[1],
        "alice\0",
        "a\nb",
        "al\x7Fice",
        "alice\u{9b}",
    ];
    verifier.assert_subjects("subject", &subjects).await;
    let user_ids = json!(["bob", "", "Alice"]);
    verifier.assert_claims("subject", "user_id", user_ids).await;
}

/// A claim has the type that it should have, or is not there at all.
pub async fn another_type_is_malformed(verifier: Verifier) {
    for name in ["iss", "aud", "sub", "user_id", "email", "name"] {
        let own = verifier.claims()[name].clone();
        let values = json!([null, 1, true, [own], {}]);
        verifier.assert_claims("malformed", name, values).await;
    }
    let flags = json!(["true", 1, null]);
    let firebase = json!([
        null,
        "password",
        true,
        ["password", null, null],
        [],
        {"sign_in_provider": 1},
        {"sign_in_provider": null},
        {"tenant": 1},
        {"tenant": null},
        {"tenant": ["t"]},
    ]);
    for (name, values) in [("email_verified", flags), ("firebase", firebase)] {
        verifier.assert_claims("malformed", name, values).await;
    }
}

/// Of two claims of one name, no verifier can say which counts.
pub async fn a_claim_that_is_given_twice_is_malformed(verifier: Verifier) {
    let good = verifier.claims();
    let text = good.to_string();
    let claims = good.as_object().unwrap().iter();
    let mut first: Vec<_> = claims
        .map(|(it, value)| format!("\"{it}\":{value}"))
        .collect();
    first.extend(["\"\\u0073ub\":\"bob\"", "\"sub\":\"bob\"", "\"exp\":1"].map(str::to_owned));
    let twice = first.iter().map(|it| format!("{{{it},{}", &text[1..]));
    verifier.assert_texts("malformed", twice).await;
    let inner = ["sign_in_provider", "tenant", "identities"];
    let twice = inner.map(|name| {
        let literal = format!("{{\"{name}\":\"a\",\"{name}\":\"a\"}}");
        with_literal(good.clone(), "firebase", &literal)
    });
    verifier.assert_texts("malformed", twice).await;
}

/// Without a setting for it, no tenant is accepted.
pub async fn a_tenant_is_refused(verifier: Verifier) {
    let tenants = json!([{"tenant": "t"}, {"tenant": ""}, {"tenant": "../t"}]);
    verifier.assert_claims("tenant", "firebase", tenants).await;
}

/// The claims are one JSON object in UTF-8 that fills its part.
pub async fn a_text_that_is_no_claims_is_malformed(verifier: Verifier) {
    let claims = verifier.claims();
    let good = claims.to_string();
    let (body, opened) = (&good[..good.len() - 1], &good[1..]);
    let values: Value = claims.as_object().unwrap().values().cloned().collect();
    let sub = |literal| with_literal(claims.clone(), "sub", literal);
    let name = |literal| with_literal(claims.clone(), "name", literal);
    let texts = [
        "{}".to_owned(),
        "alice".to_owned(),
        "null".to_owned(),
        values.to_string(),
        format!("[{good}]"),
        json!(good).to_string(),
        body.to_owned(),
        format!("{good}x"),
        format!("{good}{{}}"),
        format!("{good}\0"),
        format!("{body},}}"),
        format!("\u{feff}{good}"),
        good.replace('"', "'"),
        format!("{{/**/{opened}"),
        // Half a surrogate, a raw line feed and an unknown escape.
        sub(r#""\ud800""#),
        name("\"a\nb\""),
        name(r#""\x41""#),
    ];
    verifier.assert_texts("malformed", texts).await;
    let texts = [
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        [b"{\"x\":\"\xFF\",", opened.as_bytes()].concat(),
        // NUL in two bytes.
        [b"{\"x\":\"\xC0\x80\",", opened.as_bytes()].concat(),
    ];
    verifier.assert_texts("malformed", texts).await;
}
