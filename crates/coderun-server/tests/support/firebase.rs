//! Plays a Firebase project: serves its keys, its users and access tokens for service accounts, and signs tokens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::{HttpServer, Request};

/// The id of the project.
pub(crate) const PROJECT: &str = "the-project";
const KID: &str = "the-key";
/// The only access token that admits service accounts.
const ACCESS_TOKEN: &str = "the-access-token";

/// A project with one key, served on a free port until it is dropped.
pub(crate) struct FirebaseProject {
    pem: String,
    shared: Arc<Shared>,
    server: HttpServer,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    keys: Value,
    fetches: usize,
    are_keys_held: bool,
    users: HashMap<String, Value>,
}

impl FirebaseProject {
    pub(crate) fn start() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = key.as_der().expect("a private key");
        let der = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        let shared = Arc::new(Shared::default());
        shared.state.lock().keys = json!({"keys": [public_key(&signing_key(&pem))]});
        let answering = Arc::clone(&shared);
        let server = HttpServer::start(move |request| Some(answering.answer(request)?.to_string()));
        Self {
            pem,
            shared,
            server,
        }
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
        self.shared.state.lock().fetches
    }

    /// Delays the answers to requests for keys until they are released.
    pub(crate) fn hold_keys(&self) {
        self.shared.state.lock().are_keys_held = true;
    }

    /// Answers the delayed requests for keys.
    pub(crate) fn release_keys(&self) {
        self.shared.state.lock().are_keys_held = false;
        self.shared.released.notify_all();
    }

    /// Sets the account of a user, such as `{"disabled": true}`.
    pub(crate) fn set_user(&self, uid: &str, mut account: Value) {
        account["localId"] = uid.into();
        let mut state = self.shared.state.lock();
        state.users.insert(uid.to_owned(), account);
    }

    /// The key file of a service account of this project.
    pub(crate) fn service_account(&self) -> NamedTempFile {
        let account = json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "the-account-key",
            "private_key": self.pem,
            "client_email": "viewer@the-project.example.com",
            "token_uri": format!("{}/token", self.server.url()),
        });
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), account.to_string()).expect("a writable file");
        file
    }

    /// A token of this user, valid for an hour.
    pub(crate) fn token(&self, uid: &str) -> String {
        self.sign(&claims_of(uid, now()))
    }

    /// A token of this user that expired long ago.
    pub(crate) fn expired_token(&self, uid: &str) -> String {
        self.sign(&claims_of(uid, 1_700_000_000))
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(KID.to_owned());
        jsonwebtoken::encode(&header, claims, &signing_key(&self.pem)).expect("a token")
    }
}

impl Drop for FirebaseProject {
    fn drop(&mut self) {
        self.release_keys();
    }
}

fn signing_key(pem: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key")
}

/// The public key in the format of Google.
fn public_key(key: &EncodingKey) -> Jwk {
    let mut public = Jwk::from_encoding_key(key, Algorithm::RS256).expect("a public key");
    public.common.key_id = Some(KID.to_owned());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    public
}

#[expect(clippy::disallowed_methods, reason = "a token that is valid now")]
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a time after 1970").as_secs()
}

fn claims_of(uid: &str, issued_at: u64) -> Value {
    json!({
        "iss": format!("https://securetoken.google.com/{PROJECT}"),
        "aud": PROJECT,
        "auth_time": issued_at,
        "user_id": uid,
        "sub": uid,
        "iat": issued_at,
        "exp": issued_at + 3600,
        "email": format!("{uid}@example.com"),
        "email_verified": true,
        "firebase": {"identities": {}, "sign_in_provider": "password"},
    })
}

impl Shared {
    fn answer(&self, request: &Request) -> Option<Value> {
        let authorization = format!("authorization: bearer {ACCESS_TOKEN}");
        match request.path.as_str() {
            "/keys" => Some(self.keys()),
            "/token" => Some(json!({
                "access_token": ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": 3600,
            })),
            "/v1/projects/the-project/accounts:lookup" if request.head.contains(&authorization) => {
                let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                let state = self.state.lock();
                let user = state.users.get(body["localId"][0].as_str()?);
                Some(user.map_or_else(|| json!({}), |user| json!({"users": [user]})))
            }
            _ => None,
        }
    }

    fn keys(&self) -> Value {
        let mut state = self.state.lock();
        state.fetches += 1;
        self.released
            .wait_while(&mut state, |state| state.are_keys_held);
        state.keys.clone()
    }
}
