//! Makes tokens for tests: good ones, and any text signed as if it were one.

mod counts;
mod keys;
mod log;
pub(crate) mod server;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::testing::ManualClock;
use coderun_domain::{BearerToken, ErrorChain, TokenVerifier, VerifyError};
use serde_json::{Value, json};
use tokio::time::{advance, pause, resume};

use crate::config::{ProjectId, VerifierConfig};
use crate::keys::{KeySet, RsaPublicKey, StaticKeys};
use crate::parse::decode;
use crate::verifier::FirebaseTokenVerifier;

pub(crate) use counts::Counts;
pub(crate) use keys::{ScriptedKeys, set_of};
pub(crate) use log::Log;

/// The name of [`key`].
pub(crate) const KID: &str = "current-key";
/// The project of [`config`].
pub(crate) const PROJECT: &str = "demo-project";
/// The second at which a `ManualClock` stands, and at which [`claims`] were issued.
pub(crate) const NOW: i64 = 1_800_000_000;

/// The key whose public half [`verifier`] knows.
pub(crate) fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(generate)
}

/// A key that no verifier knows.
pub(crate) fn other_key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(generate)
}

fn generate() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
}

pub(crate) fn public_half(key: &RsaKeyPair) -> RsaPublicKey {
    RsaPublicKey::of(key.public_key())
}

pub(crate) fn key_set() -> KeySet {
    set_of(KID, key())
}

pub(crate) fn config() -> VerifierConfig {
    VerifierConfig::firebase(ProjectId::parse(PROJECT).unwrap())
}

/// A source of [`key`] alone.
pub(crate) fn static_keys() -> Arc<StaticKeys> {
    Arc::new(StaticKeys(Arc::new(key_set())))
}

/// A verifier that knows [`key`] and whose clock stands at [`NOW`].
pub(crate) fn verifier(config: VerifierConfig) -> FirebaseTokenVerifier {
    FirebaseTokenVerifier::new(config, static_keys(), Arc::new(ManualClock::default()))
}

/// The header of a good token.
pub(crate) fn header() -> Value {
    json!({"alg": "RS256", "kid": KID, "typ": "JWT"})
}

/// The claims of a good token.
pub(crate) fn claims() -> Value {
    json!({
        "iss": format!("https://securetoken.google.com/{PROJECT}"),
        "aud": PROJECT,
        "auth_time": NOW - 100,
        "user_id": "alice",
        "sub": "alice",
        "iat": NOW,
        "exp": NOW + 3600,
        "email": "alice@example.com",
        "email_verified": true,
        "name": "Alice",
        "firebase": {
            "identities": {"email": ["alice@example.com"]},
            "sign_in_provider": "password",
        },
    })
}

/// A good token.
pub(crate) fn good() -> String {
    token(&header(), &claims())
}

/// A token that has expired.
pub(crate) fn expired() -> String {
    let claims = with(with(claims(), "exp", NOW - 60), "iat", NOW - 120);
    token(&header(), &claims)
}

/// A good token, but for its signature by a key that no verifier knows.
pub(crate) fn forged() -> String {
    let signed = unsigned(&header(), &claims());
    sign_with(&signed, other_key(), &RSA_PKCS1_SHA256)
}

/// A token for this user.
pub(crate) fn subject(sub: &str) -> String {
    token(&header(), &with(with(claims(), "sub", sub), "user_id", sub))
}

/// `accepted`, or the reason for which the token is refused.
pub(crate) async fn verdict(verifier: &dyn TokenVerifier, token: &str) -> &'static str {
    let principal = verifier.verify(&BearerToken::new(token)).await;
    principal.map_or_else(|error| error.reason(), |_| "accepted")
}

/// When to ask again, and why, if keys or users are unavailable.
pub(crate) fn outage(error: &VerifyError) -> (Duration, String) {
    let (VerifyError::KeysUnavailable { retry_after, .. }
    | VerifyError::UsersUnavailable { retry_after, .. }) = error
    else {
        panic!("{error:?}");
    };
    (*retry_after, ErrorChain(error).to_string())
}

/// Moves the time on, as if the test had taken so long.
pub(crate) async fn skip(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// How a log names a token.
pub(crate) fn fingerprint(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    let start = u32::from_be_bytes(hash.as_ref()[..4].try_into().unwrap());
    format!("token_sha256={start:08x} ")
}

/// A public key as Google publishes it.
pub(crate) fn web_key(kid: &str, key: &RsaKeyPair) -> Value {
    let public = public_half(key);
    json!({
        "kid": kid,
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "n": encode(public.modulus),
        "e": encode(public.exponent),
    })
}

/// An object with one more or another field; `null` is a value like any other.
pub(crate) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    object[name] = value.into();
    object
}

/// An object without a field.
pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

/// A token of these parts, signed with [`key`].
pub(crate) fn token(header: &Value, claims: &Value) -> String {
    token_of(header.to_string(), claims.to_string())
}

/// A token of any texts at all, signed with [`key`].
pub(crate) fn token_of(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    sign(&format!("{}.{}", encode(header), encode(claims)))
}

/// A token whose first two parts are this, signed with [`key`].
pub(crate) fn sign(signed: &str) -> String {
    sign_with(signed, key(), &RSA_PKCS1_SHA256)
}

pub(crate) fn sign_with(
    signed: &str,
    key: &RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    key.sign(encoding, &random, signed.as_bytes(), &mut signature)
        .unwrap();
    format!("{signed}.{}", encode(signature))
}

pub(crate) fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// The first two parts of a token with these.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    )
}

/// Takes a signed token apart: its header, its claims, and whether [`key`] has signed it.
pub(crate) fn opened(token: &str) -> (Value, Value, bool) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |part| serde_json::from_slice(&decode(part).unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key().public_key().as_ref());
    let verified = key.verify(signed.as_bytes(), &decode(signature).unwrap());
    (json(header), json(claims), verified.is_ok())
}
