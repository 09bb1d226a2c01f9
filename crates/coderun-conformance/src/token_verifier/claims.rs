//! Tokens whose claims are wrong.

use serde_json::{Value, json};

use super::setup::{Verifier, with, with_literal, without};

/// A token must say who issued it, for whom, and when.
pub async fn a_required_claim_may_not_be_missing(verifier: Verifier) {
    let missing = |name| (name, verifier.token(&without(verifier.claims(), &[name])));
    let tokens = ["iss", "aud", "sub", "exp", "iat", "auth_time"].map(missing);
    verifier.assert_all("malformed", tokens).await;
    verifier.assert_all("subject", [missing("firebase")]).await;
}

fn tokens_with<'tokens, T: Into<Value> + Clone + std::fmt::Debug>(
    verifier: &'tokens Verifier,
    name: &'tokens str,
    values: impl IntoIterator<Item = T> + 'tokens,
) -> impl Iterator<Item = (T, String)> + 'tokens {
    values.into_iter().map(move |value| {
        let token = verifier.token(&verifier.claims_with(name, value.clone()));
        (value, token)
    })
}

/// The audience is the project, byte for byte.
pub async fn another_audience_is_refused(verifier: Verifier) {
    let project = verifier.issuer().audience.as_str();
    let others = [
        "other-project".to_owned(),
        String::new(),
        project[..project.len() - 1].to_owned(),
        format!("{project}-2"),
        format!("{project} "),
        project.to_uppercase(),
        verifier.issuer().issuer.clone(),
    ];
    verifier
        .assert_all("audience", tokens_with(&verifier, "aud", others))
        .await;
}

/// The issuer is the expected one for the project, byte for byte.
pub async fn another_issuer_is_refused(verifier: Verifier) {
    let project = verifier.issuer().audience.as_str();
    let issuer = verifier.issuer().issuer.as_str();
    let prefix = issuer.strip_suffix(project).unwrap();
    let host = prefix.trim_start_matches("https://").trim_end_matches('/');
    let others = [
        String::new(),
        project.to_owned(),
        prefix.to_owned(),
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
        "https://accounts.google.com".to_owned(),
    ];
    verifier
        .assert_all("issuer", tokens_with(&verifier, "iss", others))
        .await;
}

/// The subject is a user id, and `user_id` is the same.
pub async fn another_subject_is_refused(verifier: Verifier) {
    let subjects = [
        String::new(),
        "s".repeat(129),
        format!("{}s", "😀".repeat(64)),
        "alice\0".to_owned(),
        "a\nb".to_owned(),
        "al\x7Fice".to_owned(),
        "alice\u{9b}".to_owned(),
    ];
    let subjects = subjects.map(|sub| {
        let both = with(verifier.claims_with("sub", &*sub), "user_id", &*sub);
        (sub, verifier.token(&both))
    });
    verifier.assert_all("subject", subjects).await;
    let user_ids = tokens_with(&verifier, "user_id", ["bob", "", "Alice"]);
    verifier.assert_all("subject", user_ids).await;
}

/// A claim has the type that it should have, or is not there at all.
pub async fn another_type_is_malformed(verifier: Verifier) {
    for name in ["iss", "aud", "sub", "user_id", "email", "name"] {
        let own = verifier.claims()[name].clone();
        let values = [json!(null), json!(1), json!(true), json!([own]), json!({})];
        verifier
            .assert_all("malformed", tokens_with(&verifier, name, values))
            .await;
    }
    let addresses = [json!("true"), json!(1), json!(null)];
    verifier
        .assert_all(
            "malformed",
            tokens_with(&verifier, "email_verified", addresses),
        )
        .await;
    let firebase = [
        json!(null),
        json!("password"),
        json!(true),
        json!(["password", null, null]),
        json!([]),
        json!({"sign_in_provider": 1}),
        json!({"sign_in_provider": null}),
        json!({"tenant": 1}),
        json!({"tenant": null}),
        json!({"tenant": ["t"]}),
    ];
    verifier
        .assert_all("malformed", tokens_with(&verifier, "firebase", firebase))
        .await;
}

/// Of two claims of one name, no verifier can say which counts.
pub async fn a_claim_that_is_given_twice_is_malformed(verifier: Verifier) {
    let (header, good) = (verifier.header().to_string(), verifier.claims());
    let text = good.to_string();
    let mut tokens = Vec::new();
    for (name, value) in good.as_object().unwrap() {
        let twice = format!("{{\"{name}\":{value},{}", &text[1..]);
        tokens.push((twice.clone(), verifier.token_of(&header, twice)));
    }
    for first in ["\"\\u0073ub\":\"bob\"", "\"sub\":\"bob\"", "\"exp\":1"] {
        let twice = format!("{{{first},{}", &text[1..]);
        tokens.push((twice.clone(), verifier.token_of(&header, twice)));
    }
    for name in ["sign_in_provider", "tenant", "identities"] {
        let literal = format!("{{\"{name}\":\"a\",\"{name}\":\"a\"}}");
        let twice = with_literal(good.clone(), "firebase", &literal);
        tokens.push((twice.clone(), verifier.token_of(&header, twice)));
    }
    verifier.assert_all("malformed", tokens).await;
}

/// Without a setting for it, no tenant is accepted.
pub async fn a_tenant_is_refused(verifier: Verifier) {
    let tenants = ["t", "", "../t"].map(|tenant| json!({"tenant": tenant}));
    verifier
        .assert_all("tenant", tokens_with(&verifier, "firebase", tenants))
        .await;
}

/// The claims are one JSON object in UTF-8 that fills its part.
pub async fn a_text_that_is_no_claims_is_malformed(verifier: Verifier) {
    let header = verifier.header().to_string();
    let tokens = texts(&verifier.claims());
    let tokens = tokens
        .into_iter()
        .map(|(name, text)| (name, verifier.token_of(&header, text)));
    verifier.assert_all("malformed", tokens).await;
}

fn texts(claims: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let good = claims.to_string();
    let (body, opened) = (&good[..good.len() - 1], &good[1..]);
    let values: Value = claims.as_object().unwrap().values().cloned().collect();
    let text = |name| move |literal: &str| with_literal(claims.clone(), name, literal).into();
    let (sub, name) = (text("sub"), text("name"));
    vec![
        ("empty object", b"{}".to_vec()),
        ("not JSON", b"alice".to_vec()),
        ("null", b"null".to_vec()),
        ("an array of the values", values.to_string().into()),
        ("in an array", format!("[{good}]").into()),
        ("in a text", json!(good).to_string().into()),
        ("cut off", body.into()),
        ("letter after", format!("{good}x").into()),
        ("object after", format!("{good}{{}}").into()),
        ("NUL after", format!("{good}\0").into()),
        ("comma at the end", format!("{body},}}").into()),
        ("byte order mark", format!("\u{feff}{good}").into()),
        (
            "UTF-16",
            good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "not UTF-8",
            [b"{\"x\":\"\xFF\",", opened.as_bytes()].concat(),
        ),
        (
            "overlong UTF-8",
            [b"{\"x\":\"\xC0\x80\",", opened.as_bytes()].concat(),
        ),
        ("single quotes", good.replace('"', "'").into()),
        ("comment", format!("{{/**/{opened}").into()),
        ("half a surrogate", sub(r#""\ud800""#)),
        ("raw line feed", name("\"a\nb\"")),
        ("unknown escape", name(r#""\x41""#)),
    ]
}
