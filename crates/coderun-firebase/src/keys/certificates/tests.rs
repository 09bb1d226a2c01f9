use rcgen::{CertificateParams, KeyPair};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::keys::{KeySet, VerifyingKey};
use crate::testing::{certificate, key, other_key, public_half, web_key};

/// A certificate with an RSA key of 1024 bits.
const SMALL: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIB/jCCAWegAwIBAgIUAt/4x11VPXanjmOby8zx9SNcwJowDQYJKoZIhvcNAQEL\n\
BQAwEDEOMAwGA1UEAwwFc21hbGwwIBcNMjYxMTIzMDgyNjQzWhgPMjEyNjEwMzAw\n\
ODI2NDNaMBAxDjAMBgNVBAMMBXNtYWxsMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB\n\
iQKBgQC6Tt2+LfXX2uWavSGOSRg1yuZs8sEU47c4FerLdpKc5Y/4glHiugNo3A3P\n\
k/MfGQMxDeOQS2Iiqpvyjonh82BuVwz1SO80f3HvtXqf6cRZuIAEYVh5cKI/ORJk\n\
wGGOID+aYsIDf8scX/6Qmsp2T4NnrhjDZ2gV3fNJZKL1PwfkzwIDAQABo1MwUTAd\n\
BgNVHQ4EFgQUquFXWXyV5vu14fYbMv5flkj8FuEwHwYDVR0jBBgwFoAUquFXWXyV\n\
5vu14fYbMv5flkj8FuEwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOB\n\
gQC2ZoazjkRtBGeiHTwzbpJsWxC2gwwVxMRVKrJ6G/ZsbjpVYet9y+caT96WNQb4\n\
it0og+7TYSNAu6jCN2wAdbkoDiOts1GRVnjSfK4bHhlNfH2WF72b/k+dxbUk8kT4\n\
D7CfDJ4k4w/shsLryYZOAirjO0lwnJpjtI/s49uZtbkoMQ==\n\
-----END CERTIFICATE-----\n";

fn kid(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

fn read(json: &Value) -> Result<KeySet, KeySetError> {
    KeySet::from_certificates(json.to_string().as_bytes())
}

/// A certificate with an elliptic key.
fn elliptic() -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(Vec::new()).unwrap();
    params.self_signed(&key).unwrap().pem()
}

#[test]
fn an_object_of_certificates_is_read() {
    let json = json!({"a": certificate(key()), "b": certificate(other_key())});
    let mut keys = usable_keys(json.to_string().as_bytes()).unwrap();
    keys.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    let expected = [
        (kid("a"), public_half(key())),
        (kid("b"), public_half(other_key())),
    ];
    assert_eq!(keys, expected);
    assert_eq!(read(&json).unwrap().count(), 2);
}

#[rstest]
#[case::empty(String::new())]
#[case::other_text("hello".to_owned())]
#[case::small_key(SMALL.to_owned())]
#[case::elliptic_key(elliptic())]
#[case::two_certificates(certificate(key()) + &certificate(other_key()))]
#[case::cut_off(certificate(key())[..200].to_owned())]
#[case::only_a_public_key(certificate(key()).replace("CERTIFICATE", "PUBLIC KEY"))]
#[case::not_a_certificate(
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()
)]
fn other_certificates_are_left_out(#[case] other: String) {
    let set = read(&json!({"x": other, "a": certificate(key())})).unwrap();
    assert_eq!(set.count(), 1);
    assert!(set.get(&kid("a")).is_some());
    let error = read(&json!({ "x": other })).unwrap_err();
    assert!(matches!(error, KeySetError::Empty), "{error:?}");
}

#[rstest]
#[case::empty(0)]
#[case::too_long(257)]
fn a_certificate_without_a_usable_name_is_left_out(#[case] length: usize) {
    let set = read(&json!({"k".repeat(length): certificate(key()), "a": certificate(key())}));
    assert_eq!(set.unwrap().count(), 1);
}

#[test]
fn certificates_have_different_names_even_if_left_out() {
    let text = json!(certificate(key())).to_string();
    for other in [text.as_str(), r#""left out""#] {
        let json = format!(r#"{{"a":{text},"b":{text},"a":{other}}}"#);
        let error = KeySet::from_certificates(json.as_bytes()).unwrap_err();
        assert!(
            matches!(&error, KeySetError::DuplicateKeyId { kid } if kid.as_str() == "a"),
            "{error:?}"
        );
    }
}

#[rstest]
#[case::empty("")]
#[case::page("<html>")]
#[case::null("null")]
#[case::array("[]")]
#[case::number(r#"{"a":1}"#)]
#[case::error(r#"{"error":{"code":404}}"#)]
#[case::cut_off(r#"{"a":"#)]
#[case::trailing_data("{}{}")]
fn another_text_is_no_object_of_certificates(#[case] text: &str) {
    let error = KeySet::from_certificates(text.as_bytes()).unwrap_err();
    assert!(matches!(error, KeySetError::NotAKeySet(_)), "{error:?}");
}

#[test]
fn an_empty_object_is_no_set() {
    assert!(matches!(read(&json!({})), Err(KeySetError::Empty)));
}

#[test]
fn both_forms_are_told_apart_by_what_they_say() {
    let web_keys = json!({"keys": [web_key("a", key())]}).to_string();
    let certificates = json!({"a": certificate(key())}).to_string();
    let misleading = json!({"keys": certificate(key())}).to_string();
    let expected = VerifyingKey::new(public_half(key())).unwrap();
    for (text, name) in [(web_keys, "a"), (certificates, "a"), (misleading, "keys")] {
        let set = KeySet::from_published(text.as_bytes()).unwrap();
        assert!(*set.get(&kid(name)).unwrap().as_ref() == expected, "{text}");
    }
}

#[rstest]
#[case::empty("")]
#[case::page("<html>")]
#[case::array("[]")]
#[case::keys_twice(r#"{"keys":[],"keys":"x"}"#)]
#[case::deep(&format!(r#"{{"keys":{}"#, "[".repeat(100_000)))]
fn another_text_has_neither_form(#[case] text: &str) {
    let error = KeySet::from_published(text.as_bytes()).unwrap_err();
    assert!(matches!(error, KeySetError::NotAKeySet(_)), "{error:?}");
}
