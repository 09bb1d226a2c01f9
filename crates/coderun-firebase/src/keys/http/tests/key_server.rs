//! Provides a server on loopback that publishes keys, or misbehaves.

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::*;
use crate::testing::server::{LoopbackServer, Reply};

/// An answer with these keys, as a JSON Web Key Set.
pub(super) fn keys_reply(keys: &[Value]) -> Reply {
    Reply::json(json!({ "keys": keys }))
}

/// The server; it ends with this value.
#[derive(Debug)]
pub(super) struct KeyServer {
    server: LoopbackServer,
    reply: Arc<Mutex<Reply>>,
}

impl KeyServer {
    pub(super) async fn start(reply: Reply) -> Self {
        let reply = Arc::new(Mutex::new(reply));
        let script = Arc::clone(&reply);
        Self {
            server: LoopbackServer::start(move |_| script.lock().clone()).await,
            reply,
        }
    }

    pub(super) fn config(&self) -> HttpKeysConfig {
        HttpKeysConfig {
            wait_max: TEST_TIMEOUT,
            ..HttpKeysConfig::new(self.url().parse().unwrap())
        }
    }

    pub(super) fn url(&self) -> String {
        format!("{}/keys", self.server.url())
    }

    pub(super) fn reply(&self, reply: Reply) {
        *self.reply.lock() = reply;
    }

    /// How many requests came.
    pub(super) fn requests(&self) -> usize {
        self.server.seen().len()
    }

    /// From now on, connections are refused.
    pub(super) async fn stop(self) {
        let address = self.server.address;
        drop(self.server);
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
