use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use coderun_domain::ErrorChain;
use coderun_domain::testing::at;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::testing::{NOW, opened, with, without};
use crate::users::testing::{account_file, private_key_pem};

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

fn parse(file: &Value) -> Result<ServiceAccount, ServiceAccountFormatError> {
    ServiceAccount::parse(file.to_string().as_bytes())
}

fn good() -> Value {
    account_file(TOKEN_URI)
}

#[test]
fn the_file_of_google_is_read() {
    let account = parse(&good()).unwrap();
    assert_eq!(account.project_id.as_str(), "demo-project");
    assert_eq!(
        account.client_email,
        "coderun@demo-project.iam.gserviceaccount.com"
    );
}

#[rstest]
fn a_missing_field_is_named(
    #[values(
        "type",
        "project_id",
        "private_key",
        "private_key_id",
        "client_email",
        "token_uri"
    )]
    name: &'static str,
    #[values(json!(null), json!(""), json!(1), json!(["a"]), json!({}))] other: Value,
) {
    for file in [without(good(), name), with(good(), name, other)] {
        let error = parse(&file).unwrap_err();
        let expected = "a text that is not empty";
        assert_eq!(error, ServiceAccountFormatError::Field { name, expected });
    }
}

#[rstest]
#[case::user("type", "authorized_user")]
#[case::other_project("project_id", "a/b")]
#[case::no_url("token_uri", "oauth2.googleapis.com/token")]
#[case::unprotected("token_uri", "http://oauth2.googleapis.com/token")]
#[case::no_key("private_key", "MIIB")]
#[case::empty_key(
    "private_key",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
)]
#[case::key_of_another_kind("private_key", &private_key_pem().replace("PRIVATE", "RSA PRIVATE"))]
fn a_wrong_field_is_named_but_not_shown(#[case] name: &str, #[case] value: &str) {
    let error = parse(&with(good(), name, value)).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("the field `{name}` must be ")),
        "{error}"
    );
    assert!(!error.to_string().contains(value), "{error}");
}

#[rstest]
#[case::empty("")]
#[case::cut_off("{")]
#[case::array("[]")]
#[case::text(r#""-----BEGIN PRIVATE KEY-----""#)]
#[case::twice(r#"{"private_key":"a","private_key":"b"}"#)]
fn another_text_is_no_service_account(#[case] text: &str) {
    let error = ServiceAccount::parse(text.as_bytes()).unwrap_err();
    assert!(
        matches!(error, ServiceAccountFormatError::NotJson { .. }),
        "{error:?}"
    );
}

#[test]
fn the_key_is_not_shown() {
    let account = parse(&good()).unwrap();
    let shown = format!("{account:?}");
    assert!(shown.contains("coderun@demo-project"), "{shown}");
    for hidden in ["account-key", "PRIVATE", "MII"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[test]
fn a_file_is_read_also_through_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("a.json"), directory.path().join("b"));
    fs::write(&path, good().to_string()).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    symlink(&path, &link).unwrap();
    assert!(ServiceAccount::read(&path).is_ok());
    assert!(ServiceAccount::read(&link).is_ok());
}

#[rstest]
#[case::group(0o620, 0o600)]
#[case::world(0o602, 0o600)]
#[case::all(0o666, 0o644)]
fn a_file_that_others_may_write_is_refused(#[case] mode: u32, #[case] safe: u32) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, good().to_string()).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    let error = ServiceAccount::read(file.path()).unwrap_err();
    let PrivateFileError::Mode { actual, expected } = error.source else {
        panic!("{error:?}");
    };
    assert_eq!((actual, expected), (mode, safe));
}

#[test]
fn what_is_no_readable_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = ServiceAccount::read(directory.path()).unwrap_err();
    assert!(
        matches!(error.source, PrivateFileError::NotAFile),
        "{error:?}"
    );
    let error = ServiceAccount::read(&directory.path().join("none")).unwrap_err();
    assert!(matches!(error.source, PrivateFileError::Io(_)), "{error:?}");
}

#[test]
fn a_file_has_a_greatest_length() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = good().to_string();
    let spaces = " ".repeat(65536 - text.len());
    fs::write(&file, format!("{text}{spaces}")).unwrap();
    assert!(ServiceAccount::read(file.path()).is_ok());
    fs::write(&file, format!("{text}{spaces} ")).unwrap();
    let error = ServiceAccount::read(file.path()).unwrap_err();
    let text = ErrorChain(&error).to_string();
    assert!(text.ends_with(": it is longer than 65536 bytes"), "{text}");
}

#[test]
fn an_assertion_says_who_asks_for_what() {
    let assertion = parse(&good()).unwrap().assertion(at(0)).unwrap();
    let (header, claims, is_signed) = opened(&assertion);
    assert!(is_signed);
    assert_eq!(
        header,
        json!({"alg": "RS256", "typ": "JWT", "kid": "account-key"})
    );
    assert_eq!(
        claims,
        json!({
            "iss": "coderun@demo-project.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/identitytoolkit",
            "aud": TOKEN_URI,
            "iat": NOW,
            "exp": NOW + 3600,
        })
    );
}
