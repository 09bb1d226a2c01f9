//! Tokens whose claims are wrong.

use serde_json::{Value, json};

use super::{Case, case};
use crate::testing::{NOW, claims, header, subject, times, token, token_of, with, without};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = values();
    cases.extend(firebase_claims());
    cases.extend(issuers());
    cases.extend(subjects());
    cases.extend(literals());
    cases.extend(periods());
    cases.extend(texts());
    for (name, claim, reason) in [
        ("iss missing", "iss", "malformed"),
        ("aud missing", "aud", "malformed"),
        ("sub missing", "sub", "malformed"),
        ("exp missing", "exp", "malformed"),
        ("iat missing", "iat", "malformed"),
        ("auth_time missing", "auth_time", "malformed"),
        ("firebase missing", "firebase", "subject"),
    ] {
        cases.push(case(
            name,
            token(&header(), &without(claims(), claim)),
            reason,
        ));
    }
    cases
}

fn values() -> Vec<Case> {
    let table: [(_, _, Value, _); 22] = [
        ("aud array", "aud", json!(["demo-project"]), "malformed"),
        (
            "aud of two",
            "aud",
            json!(["demo-project", "b"]),
            "malformed",
        ),
        ("aud null", "aud", json!(null), "malformed"),
        ("aud prefix", "aud", json!("demo"), "audience"),
        ("aud longer", "aud", json!("demo-project-2"), "audience"),
        ("aud upper case", "aud", json!("DEMO-PROJECT"), "audience"),
        ("aud and a space", "aud", json!("demo-project "), "audience"),
        ("aud empty", "aud", json!(""), "audience"),
        ("aud own", "aud", json!("coderun-development"), "audience"),
        ("user_id differs", "user_id", json!("bob"), "subject"),
        ("user_id empty", "user_id", json!(""), "subject"),
        ("user_id null", "user_id", json!(null), "malformed"),
        ("user_id number", "user_id", json!(1), "malformed"),
        ("email number", "email", json!(1), "malformed"),
        ("email null", "email", json!(null), "malformed"),
        ("email array", "email", json!(["a@b.c"]), "malformed"),
        (
            "verified text",
            "email_verified",
            json!("true"),
            "malformed",
        ),
        ("verified number", "email_verified", json!(1), "malformed"),
        ("verified null", "email_verified", json!(null), "malformed"),
        ("name object", "name", json!({}), "malformed"),
        ("name number", "name", json!(1), "malformed"),
        ("name null", "name", json!(null), "malformed"),
    ];
    table
        .into_iter()
        .map(|(name, claim, value, reason)| {
            let claims = with(claims(), claim, value);
            case(name, token(&header(), &claims), reason)
        })
        .collect()
}

fn firebase_claims() -> Vec<Case> {
    let table = [
        ("firebase null", json!(null), "malformed"),
        ("firebase text", json!("password"), "malformed"),
        ("firebase true", json!(true), "malformed"),
        ("firebase array", json!(["password"]), "malformed"),
        ("firebase empty array", json!([]), "malformed"),
        (
            "provider number",
            json!({"sign_in_provider": 1}),
            "malformed",
        ),
        (
            "provider null",
            json!({"sign_in_provider": null}),
            "malformed",
        ),
        ("tenant", json!({"tenant": "t"}), "tenant"),
        ("tenant empty", json!({"tenant": ""}), "tenant"),
        ("tenant number", json!({"tenant": 1}), "malformed"),
        ("tenant null", json!({"tenant": null}), "malformed"),
    ];
    table
        .into_iter()
        .map(|(name, value, reason)| {
            let claims = with(claims(), "firebase", value);
            case(name, token(&header(), &claims), reason)
        })
        .collect()
}

fn issuers() -> Vec<Case> {
    let table = [
        (
            "iss with a slash after",
            "https://securetoken.google.com/demo-project/",
        ),
        (
            "iss with a space before",
            " https://securetoken.google.com/demo-project",
        ),
        (
            "iss with http",
            "http://securetoken.google.com/demo-project",
        ),
        (
            "iss with a port",
            "https://securetoken.google.com:443/demo-project",
        ),
        (
            "iss with an upper-case host",
            "https://SECURETOKEN.google.com/demo-project",
        ),
        (
            "iss of another project",
            "https://securetoken.google.com/other",
        ),
        (
            "iss of a session cookie",
            "https://session.firebase.google.com/demo-project",
        ),
        ("iss of Google", "https://accounts.google.com"),
        (
            "iss of the development issuer",
            "https://development.coderun.invalid/demo-project",
        ),
        (
            "iss of another host",
            "https://securetoken.google.com.example.com/demo-project",
        ),
        ("iss without a project", "https://securetoken.google.com/"),
        ("iss empty", ""),
    ];
    table
        .into_iter()
        .map(|(name, iss)| {
            case(
                name,
                token(&header(), &with(claims(), "iss", iss)),
                "issuer",
            )
        })
        .collect()
}

fn subjects() -> Vec<Case> {
    let table = [
        ("sub empty", String::new()),
        ("sub of 129 characters", "s".repeat(129)),
        ("sub of 129 UTF-16 units", format!("{}s", "😀".repeat(64))),
        ("sub with NUL", "alice\0".to_owned()),
        ("sub with a line feed", "alice\n".to_owned()),
        ("sub with delete", "al\x7Fice".to_owned()),
        ("sub with a C1 control", "alice\u{9b}".to_owned()),
    ];
    table
        .into_iter()
        .map(|(name, sub)| case(name, subject(&sub), "subject"))
        .collect()
}

/// Values as they stand in the JSON, where a `Value` could not say it.
fn literals() -> Vec<Case> {
    let table = [
        ("exp null", "exp", "null"),
        ("exp text", "exp", "\"1800003600\""),
        ("exp float", "exp", "1800003600.5"),
        ("exp whole float", "exp", "1800003600.0"),
        ("exp with an exponent", "exp", "18e8"),
        ("exp infinite", "exp", "1e999"),
        ("exp not a number", "exp", "NaN"),
        ("exp negative", "exp", "-1"),
        ("exp beyond 64 bits", "exp", "18446744073709551616"),
        ("exp of all bits", "exp", "18446744073709551615"),
        (
            "exp the greatest signed number",
            "exp",
            "9223372036854775807",
        ),
        ("exp in milliseconds", "exp", "1800003600000"),
        ("exp hexadecimal", "exp", "0x7fffffff"),
        ("exp with a zero before", "exp", "01800003600"),
        ("exp with a plus", "exp", "+1800003600"),
        ("exp array", "exp", "[1800003600]"),
        ("iat text", "iat", "\"1800000000\""),
        ("iat negative", "iat", "-1"),
        ("auth_time null", "auth_time", "null"),
        ("auth_time text", "auth_time", "\"0\""),
        ("nbf null", "nbf", "null"),
        ("nbf text", "nbf", "\"0\""),
        ("sub number", "sub", "1"),
        ("sub null", "sub", "null"),
        ("sub half a surrogate", "sub", r#""\ud800""#),
        ("name with a raw line feed", "name", "\"a\nb\""),
        ("name with an unknown escape", "name", r#""\x41""#),
        ("tenant twice", "firebase", r#"{"tenant":"a","tenant":"b"}"#),
        (
            "provider twice",
            "firebase",
            r#"{"sign_in_provider":"a","sign_in_provider":"a"}"#,
        ),
    ];
    table
        .into_iter()
        .map(|(name, claim, literal)| {
            let marked = with(claims(), claim, "HERE").to_string();
            let text = marked.replace("\"HERE\"", literal);
            case(name, token_of(header().to_string(), text), "malformed")
        })
        .collect()
}

fn periods() -> Vec<Case> {
    let starting = |name, at| token(&header(), &with(claims(), name, at));
    vec![
        case("exp at the edge", times(NOW - 3600, NOW - 60), "expired"),
        case("exp long ago", times(0, 3600), "expired"),
        case(
            "iat in the future",
            starting("iat", NOW + 61),
            "not-yet-valid",
        ),
        case(
            "auth_time in the future",
            starting("auth_time", NOW + 61),
            "not-yet-valid",
        ),
        case(
            "nbf in the future",
            starting("nbf", NOW + 61),
            "not-yet-valid",
        ),
        case("iat is exp", times(NOW + 10, NOW + 10), "malformed"),
        case("iat after exp", times(NOW + 10, NOW + 9), "malformed"),
        case("a day and a second", times(NOW, NOW + 86_401), "malformed"),
        case("for ever", times(NOW, 253_402_300_799), "malformed"),
    ]
}

/// Texts that are no claims at all.
fn texts() -> Vec<Case> {
    let good = claims().to_string();
    let (body, opened) = (&good[..good.len() - 1], &good[1..]);
    let values: Value = claims().as_object().unwrap().values().cloned().collect();
    let iss = &claims()["iss"];
    let table: Vec<(_, Vec<u8>)> = vec![
        ("claims empty", b"{}".to_vec()),
        ("claims not JSON", b"alice".to_vec()),
        ("claims null", b"null".to_vec()),
        ("claims an array of the values", values.to_string().into()),
        ("claims in an array", format!("[{good}]").into()),
        ("claims in a text", json!(good).to_string().into()),
        ("claims cut off", body.into()),
        ("letter after claims", format!("{good}x").into()),
        ("object after claims", format!("{good}{{}}").into()),
        ("NUL after claims", format!("{good}\0").into()),
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
        ("sub twice", format!("{{\"sub\":\"bob\",{opened}").into()),
        (
            "sub twice by escape",
            format!("{{\"\\u0073ub\":\"bob\",{opened}").into(),
        ),
        ("aud twice", format!("{{\"aud\":\"other\",{opened}").into()),
        ("exp twice", format!("{{\"exp\":1,{opened}").into()),
        (
            "iss twice, same",
            format!("{{\"iss\":{iss},{opened}").into(),
        ),
        (
            "firebase twice",
            format!("{{\"firebase\":{{}},{opened}").into(),
        ),
    ];
    table
        .into_iter()
        .map(|(name, text)| case(name, token_of(header().to_string(), text), "malformed"))
        .collect()
}
