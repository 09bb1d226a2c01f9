//! Defines the source of a verifier's keys.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{BackendError, VerifyError};

use super::{KeyId, KeySet};

/// Provides the current keys.
///
/// Both calls end within the deadline that the source is configured with. `current` takes no lock when there is a set to
/// give. Dropping a call changes nothing for other callers.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The set to verify with now; waits only while there is none.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if there is no usable set.
    async fn current(&self) -> Result<Arc<KeySet>, KeysUnavailable>;

    /// The set to verify with after a token named a key that the current one lacks.
    ///
    /// A source may fetch newer keys first, as rarely as it likes. The set may still lack the key.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if it is not known whether there is such a key.
    async fn look_for(&self, _kid: &KeyId) -> Result<Arc<KeySet>, KeysUnavailable> {
        self.current().await
    }
}

/// Says that there are no keys now.
#[derive(Debug, thiserror::Error)]
#[error("the signing keys are not available")]
pub struct KeysUnavailable {
    /// When to ask again.
    pub retry_after: Duration,
    /// The cause.
    #[source]
    pub source: BackendError,
}

impl From<KeysUnavailable> for VerifyError {
    fn from(error: KeysUnavailable) -> Self {
        Self::KeysUnavailable {
            retry_after: error.retry_after,
            source: error.source,
        }
    }
}

/// Keys that never change.
#[derive(Debug, Clone)]
pub struct StaticKeys {
    keys: Arc<KeySet>,
}

impl StaticKeys {
    /// A source of this one set.
    #[must_use]
    pub const fn new(keys: Arc<KeySet>) -> Self {
        Self { keys }
    }
}

#[async_trait]
impl KeySource for StaticKeys {
    async fn current(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        Ok(Arc::clone(&self.keys))
    }
}
