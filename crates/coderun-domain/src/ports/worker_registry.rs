//! Tells those who accept executions which workers there are and what they can run.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{BackendError, LanguageSpec, LimitPolicy, RunnerProfile, WorkerId};

/// Knows which workers there are and what they can run.
///
/// Every implementation passes `coderun_conformance::worker_registry_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WorkerRegistry: fmt::Debug + Send + Sync + 'static {
    /// Says that a worker is there, for this long, and what it can run. Replaces what it said before.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`].
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError>;

    /// Says that a worker takes nothing more. Idempotent.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`].
    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError>;

    /// What the workers offer that are there now, in the order of their ids. An offer that cannot be read, because a
    /// newer version of the service made it, is left out.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`].
    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError>;
}

/// What one worker can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOffer {
    /// Who it is.
    pub worker: WorkerId,
    /// How it runs programs.
    pub runner: RunnerProfile,
    /// In which languages.
    pub languages: Vec<LanguageSpec>,
    /// Within which limits.
    pub limits: LimitPolicy,
    /// How many at a time.
    pub concurrency: u32,
}

/// Why the registry could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The backend cannot be reached or refuses to work.
    #[error("the worker registry `{backend}` is not available")]
    Unavailable {
        /// Which one.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl RegistryError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
        }
    }
}
