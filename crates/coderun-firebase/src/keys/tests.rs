use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::testing::{encode, key, other_key, public_half, with, without};

fn kid(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

/// A modulus of so many bits, which need not be a product of primes here.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xFF; bits.div_ceil(8)];
    bytes[0] >>= bytes.len() * 8 - bits;
    bytes
}

fn public_key(bits: usize, exponent: &[u8]) -> RsaPublicKey {
    RsaPublicKey {
        modulus: modulus(bits),
        exponent: exponent.to_vec(),
    }
}

const USUAL_EXPONENT: &[u8] = &[1, 0, 1];

fn changed(bits: usize, change: impl FnOnce(&mut Vec<u8>)) -> RsaPublicKey {
    let mut key = public_key(bits, USUAL_EXPONENT);
    change(&mut key.modulus);
    key
}

#[rstest]
#[case::smallest(public_key(2048, USUAL_EXPONENT), true)]
#[case::too_small(public_key(2047, USUAL_EXPONENT), false)]
#[case::greatest(public_key(8192, USUAL_EXPONENT), true)]
#[case::too_great(public_key(8193, USUAL_EXPONENT), false)]
#[case::smallest_exponent(public_key(2048, &[3]), true)]
#[case::exponent_one(public_key(2048, &[1]), false)]
#[case::even_exponent(public_key(2048, &[1, 0, 0]), false)]
#[case::no_exponent(public_key(2048, &[]), false)]
#[case::zero_exponent(public_key(2048, &[0]), false)]
#[case::greatest_exponent(public_key(2048, &[1, 0xFF, 0xFF, 0xFF, 0xFF]), true)]
#[case::too_great_exponent(public_key(2048, &[2, 0, 0, 0, 1]), false)]
#[case::no_modulus(public_key(0x8, USUAL_EXPONENT), false)]
#[case::even_modulus(changed(2048, |modulus| modulus[255] = 0xFE), false)]
#[case::padded(changed(2048, |modulus| modulus.insert(0, 0)), true)]
#[case::padded_and_too_small(changed(2047, |modulus| modulus.insert(0, 0)), false)]
fn keys_have_a_usable_size(#[case] key: RsaPublicKey, #[case] usable: bool) {
    assert_eq!(key.is_usable(), usable);
    let set = KeySet::from_public_keys([(kid("a"), key)]);
    assert_eq!(set.is_ok(), usable);
    if let Err(error) = set {
        assert_eq!(error, KeySetError::UnusableKey);
    }
}

#[test]
fn a_set_has_keys_of_different_names() {
    let pair = |name| (kid(name), public_half(key()));
    let set = KeySet::from_public_keys([pair("a"), pair("b")]).unwrap();
    assert!(set.get(&kid("a")).is_some() && set.get(&kid("b")).is_some());
    assert!(set.get(&kid("c")).is_none());
    let error = KeySet::from_public_keys([pair("a"), pair("a")]).unwrap_err();
    assert_eq!(error, KeySetError::DuplicateKeyId);
    let error = KeySet::from_public_keys([]).unwrap_err();
    assert_eq!(error, KeySetError::Empty);
}

fn web_key(name: &str) -> Value {
    crate::testing::web_key(name, key())
}

fn read(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::from_jwks(json!({ "keys": keys }).to_string().as_bytes())
}

#[test]
fn a_web_key_set_is_read() {
    let other = public_half(other_key());
    let second = with(web_key("b"), "n", encode(other.modulus));
    let set = read(&[web_key("a"), second]).unwrap();
    assert!(set.get(&kid("a")).is_some() && set.get(&kid("b")).is_some());
    assert_eq!(set.keys.len(), 2);
}

#[rstest]
#[case::elliptic(json!({"kid": "x", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}))]
#[case::symmetric(json!({"kid": "x", "kty": "oct", "k": "AA"}))]
#[case::edwards(json!({"kid": "x", "kty": "OKP", "crv": "Ed25519", "x": "AA"}))]
#[case::unknown_kind(json!({"kid": "x", "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}))]
#[case::broken_modulus(with(web_key("x"), "n", "%not base64%"))]
#[case::empty_modulus(with(web_key("x"), "n", ""))]
#[case::null_name(with(web_key("x"), "kid", Value::Null))]
#[case::other_algorithm(with(web_key("x"), "alg", "RS512"))]
#[case::for_encryption(with(web_key("x"), "use", "enc"))]
#[case::without_name(without(web_key("x"), "kid"))]
#[case::name_too_long(with(web_key("x"), "kid", "k".repeat(257)))]
#[case::without_modulus(without(web_key("x"), "n"))]
#[case::small(with(web_key("x"), "n", encode(modulus(1024))))]
#[case::padded(with(web_key("x"), "e", "AQAB="))]
#[case::even_exponent(with(web_key("x"), "e", "Ag"))]
#[case::without_kind(without(web_key("x"), "kty"))]
#[case::of_the_same_name(with(web_key("a"), "kty", "EC"))]
#[case::of_the_same_name_for_another_use(with(web_key("a"), "use", "enc"))]
#[case::null_algorithm(with(web_key("x"), "alg", Value::Null))]
#[case::number_for_kind(with(web_key("x"), "kty", 1))]
#[case::text(json!("RSA"))]
#[case::array(json!(["RSA"]))]
#[case::null(Value::Null)]
fn other_web_keys_are_left_out(#[case] other: Value) {
    let set = read(&[other.clone(), web_key("a")]).unwrap();
    assert_eq!(set.keys.len(), 1);
    assert!(set.get(&kid("a")).is_some());
    let error = read(&[other]).unwrap_err();
    assert_eq!(error, KeySetError::Empty);
}

#[rstest]
#[case::alg("alg")]
#[case::usage("use")]
fn a_web_key_need_not_say_what_it_is_for(#[case] name: &str) {
    assert!(read(&[without(web_key("a"), name)]).is_ok());
}

#[test]
fn two_usable_web_keys_of_one_name_are_refused() {
    let error = read(&[web_key("a"), web_key("a")]).unwrap_err();
    assert_eq!(error, KeySetError::DuplicateKeyId);
}

#[rstest]
#[case::empty("")]
#[case::page("<html>")]
#[case::null("null")]
#[case::trailing_data(r#"{"keys":[]}{}"#)]
#[case::deep(&format!(r#"{{"keys":{}"#, "[".repeat(100_000)))]
#[case::error(r#"{"error":{"code":404}}"#)]
#[case::other_object("{}")]
#[case::array("[]")]
#[case::keys_null(r#"{"keys":null}"#)]
#[case::cut_off(r#"{"keys":["#)]
#[case::twice(r#"{"keys":[],"keys":[]}"#)]
fn another_text_is_no_web_key_set(#[case] text: &str) {
    let error = KeySet::from_jwks(text.as_bytes()).unwrap_err();
    assert_eq!(error, KeySetError::NotAKeySet);
}

#[test]
fn a_map_of_certificates_is_no_web_key_set() {
    let text = r#"{"a":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}"#;
    let error = KeySet::from_jwks(text.as_bytes()).unwrap_err();
    assert_eq!(error, KeySetError::Certificates);
}

#[test]
fn a_set_shows_only_the_names() {
    let set = read(&[web_key("a")]).unwrap();
    assert_eq!(format!("{set:?}"), r#"{KeyId("a")}"#);
}
