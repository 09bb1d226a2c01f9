//! Provides keys that a test exchanges.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::signature::RsaKeyPair;
use coderun_domain::VerifyError;
use parking_lot::Mutex;

use super::public_half;
use crate::config::KeyId;
use crate::keys::{KeySet, KeySource};

/// A set of this key alone.
pub(crate) fn set_of(name: &str, key: &RsaKeyPair) -> KeySet {
    let kid = KeyId::parse(name).unwrap();
    KeySet::from_public_keys([(kid, public_half(key))]).unwrap()
}

/// Keys that change, come late, or not at all.
#[derive(Debug, Default)]
pub(crate) struct ScriptedKeys {
    current: Mutex<Option<Arc<KeySet>>>,
    newer: Mutex<Option<Arc<KeySet>>>,
    looked_for: Mutex<Vec<String>>,
}

impl ScriptedKeys {
    /// Keys that are current, and keys that are found when one is looked for.
    pub(crate) fn new(current: Option<KeySet>, newer: Option<KeySet>) -> Arc<Self> {
        let keys = Self::default();
        *keys.current.lock() = current.map(Arc::new);
        *keys.newer.lock() = newer.map(Arc::new);
        Arc::new(keys)
    }

    /// From now on, there are these keys and no others.
    pub(crate) fn change(&self, keys: Option<KeySet>) {
        let keys = keys.map(Arc::new);
        self.current.lock().clone_from(&keys);
        *self.newer.lock() = keys;
    }

    /// The names that were looked for.
    pub(crate) fn looked_for(&self) -> Vec<String> {
        self.looked_for.lock().clone()
    }
}

fn or_unavailable(keys: &Mutex<Option<Arc<KeySet>>>) -> Result<Arc<KeySet>, VerifyError> {
    let keys = keys.lock().clone();
    keys.ok_or_else(|| VerifyError::KeysUnavailable {
        retry_after: Duration::from_secs(7),
        source: "connection refused".into(),
    })
}

#[async_trait]
impl KeySource for ScriptedKeys {
    async fn current(&self) -> Result<Arc<KeySet>, VerifyError> {
        or_unavailable(&self.current)
    }

    async fn look_for(&self, kid: &KeyId) -> Result<Arc<KeySet>, VerifyError> {
        self.looked_for.lock().push(kid.as_str().to_owned());
        or_unavailable(&self.newer)
    }
}
