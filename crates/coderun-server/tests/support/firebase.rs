//! Plays a Firebase project: a signing key, a server that publishes it, users, and signed tokens.

#[path = "firebase/server.rs"]
mod server;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use server::FirebaseServer;

/// The id of the project.
pub(crate) const PROJECT: &str = "the-project";
const KID: &str = "the-key";

/// A project with one key, published over HTTP.
pub(crate) struct FirebaseProject {
    key: RsaKeyPair,
    server: FirebaseServer,
}

impl FirebaseProject {
    pub(crate) fn start() -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let server = FirebaseServer::start(key_set(&key));
        Self { key, server }
    }

    /// The URL of its keys.
    pub(crate) fn keys_url(&self) -> String {
        format!("{}/keys", self.server.url())
    }

    /// The base URL of its user directory.
    pub(crate) fn users_url(&self) -> String {
        self.server.url()
    }

    /// The number of requests for its keys.
    pub(crate) fn fetches(&self) -> usize {
        self.server.fetches()
    }

    /// Delays the answers to requests for keys until they are released.
    pub(crate) fn hold_keys(&self) {
        self.server.hold_keys(true);
    }

    /// Answers the delayed requests for keys.
    pub(crate) fn release_keys(&self) {
        self.server.hold_keys(false);
    }

    /// Sets the account of a user, such as `{"disabled": true}`.
    pub(crate) fn set_user(&self, uid: &str, account: &Value) {
        self.server.set_user(uid, account);
    }

    /// The key file of a service account of this project.
    pub(crate) fn service_account(&self) -> NamedTempFile {
        let der: Pkcs8V1Der<'_> = self.key.as_der().expect("a private key");
        let key = STANDARD.encode(der.as_ref());
        let account = json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "the-account-key",
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"),
            "client_email": "viewer@the-project.example.com",
            "token_uri": format!("{}/token", self.server.url()),
        });
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), account.to_string()).expect("a writable file");
        file
    }

    /// A token of this user, valid for an hour.
    pub(crate) fn token(&self, uid: &str) -> String {
        self.token_with(uid, &json!({}))
    }

    /// A token with other or more claims.
    pub(crate) fn token_with(&self, uid: &str, claims: &Value) -> String {
        let mut all = claims_of(uid);
        let (all_fields, fields) = (all.as_object_mut(), claims.as_object());
        all_fields
            .expect("an object")
            .extend(fields.expect("an object").clone());
        let header = json!({"alg": "RS256", "kid": KID, "typ": "JWT"});
        let signed = format!("{}.{}", encode(header.to_string()), encode(all.to_string()));
        format!("{signed}.{}", encode(self.sign(signed.as_bytes())))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
            .expect("a signature");
        signature
    }
}

#[expect(clippy::disallowed_methods, reason = "a token that is valid now")]
fn claims_of(uid: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a time after 1970").as_secs();
    json!({
        "iss": format!("https://securetoken.google.com/{PROJECT}"),
        "aud": PROJECT,
        "auth_time": now,
        "user_id": uid,
        "sub": uid,
        "iat": now,
        "exp": now + 3600,
        "email": format!("{uid}@example.com"),
        "email_verified": true,
        "firebase": {"identities": {}, "sign_in_provider": "password"},
    })
}

/// The public key in the format of Google.
fn key_set(key: &RsaKeyPair) -> Value {
    let public = key.public_key();
    json!({"keys": [{
        "kid": KID,
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "n": encode(public.modulus().big_endian_without_leading_zero()),
        "e": encode(public.exponent().big_endian_without_leading_zero()),
    }]})
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}
