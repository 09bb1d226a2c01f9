//! Defines the source of a verifier's keys.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::VerifyError;

use super::KeySet;
use crate::config::KeyId;

/// Provides the current keys.
///
/// Both calls end within the deadline that the source is configured with. `current` takes no lock when there is a set to
/// give. Dropping a call changes nothing for other callers.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The set to verify with now; waits only while there is none.
    ///
    /// # Errors
    /// [`VerifyError::KeysUnavailable`] if there is no usable set.
    async fn current(&self) -> Result<Arc<KeySet>, VerifyError>;

    /// The set to verify with after a token named a key that the current one lacks.
    ///
    /// A source may fetch newer keys first, as rarely as it likes. The set may still lack the key.
    ///
    /// # Errors
    /// [`VerifyError::KeysUnavailable`] if it is not known whether there is such a key.
    async fn look_for(&self, _kid: &KeyId) -> Result<Arc<KeySet>, VerifyError> {
        self.current().await
    }
}

/// Keys that never change.
#[derive(Debug, Clone)]
pub struct StaticKeys(pub Arc<KeySet>);

#[async_trait]
impl KeySource for StaticKeys {
    async fn current(&self) -> Result<Arc<KeySet>, VerifyError> {
        Ok(Arc::clone(&self.0))
    }
}
