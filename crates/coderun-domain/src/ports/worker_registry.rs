//! Lists the workers and what they can run, for those that accept executions.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    BackendError, LanguageSpec, LimitPolicy, RunnerProfile, UnavailableLanguage, WorkerId,
};

/// Lists the workers and what each can run.
///
/// Every implementation passes `coderun_conformance::worker_registry_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WorkerRegistry: fmt::Debug + Send + Sync + 'static {
    /// Publishes the offer of a worker for this lifetime. Replaces its earlier offer.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`].
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError>;

    /// Removes the offer of a worker that takes no more executions. Idempotent.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`].
    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError>;

    /// The current offers, in the order of the workers' ids. An offer that cannot be read, because a
    /// newer version of the service made it, is left out.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`].
    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError>;
}

/// The languages, limits and concurrency that one worker offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOffer {
    /// The id of the worker.
    pub worker: WorkerId,
    /// The properties of its runner.
    pub runner: RunnerProfile,
    /// The languages.
    pub languages: Vec<LanguageSpec>,
    /// The languages and versions that it knows and does not run now.
    pub unavailable: Vec<UnavailableLanguage>,
    /// The limits.
    pub limits: LimitPolicy,
    /// The most executions at a time.
    pub concurrency: u32,
    /// The reason for which its runner cannot run anything now, in words that anyone may read; `None` while it works.
    pub outage: Option<String>,
}

/// Says why a call of the registry failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The backend cannot be reached or refuses to work.
    #[error("the worker registry `{backend}` is not available")]
    Unavailable {
        /// The name of the backend.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}
