//! Tokens that are rightly signed, but not with RS256 by the right key.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaEncoding};

use super::*;
use crate::testing::{encode, key, web_key};

fn parts(name: &str, value: impl Into<serde_json::Value>) -> String {
    unsigned(&with(header(), name, value), &claims())
}

#[rstest]
#[case::public_key(key().public_key().as_ref())]
#[case::modulus(&public_half(key()).modulus)]
#[case::nothing(b"")]
#[tokio::test]
async fn what_is_public_is_no_secret_of_hs256(#[case] secret: &[u8]) {
    let parts = parts("alg", "HS256");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), parts.as_bytes());
    let token = format!("{parts}.{}", encode(tag));
    assert_eq!(verdict(&verifier(config()), &token).await, "algorithm");
}

#[rstest]
#[case::rs384("RS384", &RSA_PKCS1_SHA384, "algorithm")]
#[case::ps256("PS256", &RSA_PSS_SHA256, "algorithm")]
#[case::sha_384_under_rs256("RS256", &RSA_PKCS1_SHA384, "signature")]
#[case::pss_under_rs256("RS256", &RSA_PSS_SHA256, "signature")]
#[tokio::test]
async fn another_signature_of_the_right_key_is_refused(
    #[case] algorithm: &str,
    #[case] encoding: &'static dyn RsaEncoding,
    #[case] expected: &str,
) {
    let token = sign_with(&parts("alg", algorithm), key(), encoding);
    assert_eq!(verdict(&verifier(config()), &token).await, expected);
}

#[tokio::test]
async fn a_key_that_a_token_brings_vouches_for_nothing() {
    let parts = parts("jwk", web_key(KID, other_key()));
    let token = sign_with(&parts, other_key(), &RSA_PKCS1_SHA256);
    assert_eq!(verdict(&verifier(config()), &token).await, "signature");
}

#[tokio::test]
async fn a_signature_of_another_length_is_refused() {
    let good = good();
    let (parts, signature) = good.rsplit_once('.').unwrap();
    let bytes = crate::parse::decode(signature).unwrap();
    for other in [[&[0], &*bytes].concat(), [&*bytes, &[0]].concat()] {
        let token = format!("{parts}.{}", encode(other));
        assert_eq!(verdict(&verifier(config()), &token).await, "signature");
    }
}
