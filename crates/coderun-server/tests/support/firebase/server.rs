//! Serves what Google serves for a project: its keys, access tokens for service accounts, and its users.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};

use crate::support::{HttpServer, Request};

/// The only access token that admits service accounts.
const ACCESS_TOKEN: &str = "the-access-token";

/// A server on a free port, until it is dropped.
pub(super) struct FirebaseServer {
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

impl FirebaseServer {
    pub(super) fn start(keys: Value) -> Self {
        let shared = Arc::new(Shared::default());
        shared.state.lock().keys = keys;
        let answering = Arc::clone(&shared);
        let server = HttpServer::start(move |request| Some(answering.answer(request)?.to_string()));
        Self { shared, server }
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    pub(super) fn fetches(&self) -> usize {
        self.shared.state.lock().fetches
    }

    pub(super) fn hold_keys(&self, held: bool) {
        self.shared.state.lock().are_keys_held = held;
        self.shared.released.notify_all();
    }

    pub(super) fn set_user(&self, uid: &str, account: &Value) {
        let mut account = account.clone();
        account["localId"] = uid.into();
        self.shared
            .state
            .lock()
            .users
            .insert(uid.to_owned(), account);
    }
}

impl Drop for FirebaseServer {
    fn drop(&mut self) {
        self.hold_keys(false);
    }
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
                let user = self
                    .state
                    .lock()
                    .users
                    .get(body["localId"][0].as_str()?)
                    .cloned();
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
