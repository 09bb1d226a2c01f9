//! Starts the lookup of users at Google.

use std::sync::Arc;

use coderun_domain::Clock;

use super::identity_toolkit::{Credentials, IdentityToolkit};
use super::lookup::{AccountLookup, CachePolicy};
use crate::config::{Endpoint, ProjectId};
use crate::http_client::HttpClient;
use crate::service_account::{AccessTokens, ServiceAccount};
use crate::start_error::StartError;

/// Settings for lookups at Google.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLookupConfig {
    /// The project whose users are looked up.
    pub project_id: ProjectId,
    /// The address of the Identity Toolkit: [`AccountLookupConfig::GOOGLE`], or a substitute for it.
    pub base: Endpoint,
    /// How long answers are used, and how many lookups are made at a time.
    pub cache: CachePolicy,
}

impl AccountLookupConfig {
    /// The URL of Google's Identity Toolkit.
    pub const GOOGLE: &str = "https://identitytoolkit.googleapis.com";

    /// The defaults, for the users of this project.
    #[must_use]
    pub fn new(project_id: ProjectId, base: Endpoint) -> Self {
        Self {
            project_id,
            base,
            cache: CachePolicy::default(),
        }
    }
}

impl AccountLookup {
    /// A lookup at Google, in the name of a service account; asks for nothing before it is asked.
    ///
    /// Lookups run on the current runtime, until it is dropped.
    ///
    /// # Errors
    /// [`AccountLookupError`].
    pub fn start(
        config: AccountLookupConfig,
        account: ServiceAccount,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AccountLookupError> {
        if account.project_id != config.project_id {
            return Err(AccountLookupError::OtherProject {
                account: account.project_id,
                expected: config.project_id,
            });
        }
        let client = HttpClient::for_google()?;
        let deadline = config.cache.deadline;
        let tokens = AccessTokens::start(account, client.clone(), clock, deadline)?;
        let accounts = IdentityToolkit {
            endpoint: config.base,
            project_id: config.project_id,
            client,
            credentials: Credentials::ServiceAccount(tokens),
        };
        Ok(Self::with_source(Arc::new(accounts), config.cache)?)
    }
}

/// Says why users cannot be looked up at all.
#[derive(Debug, thiserror::Error)]
pub enum AccountLookupError {
    /// The service account belongs to another project than the tokens.
    #[error("the service account belongs to the project `{account}`, not to `{expected}`")]
    OtherProject {
        /// The project of the service account.
        account: ProjectId,
        /// The project of the tokens.
        expected: ProjectId,
    },
    /// The background work cannot start.
    #[error("users cannot be looked up")]
    Start(#[from] StartError),
}

#[cfg(test)]
mod tests;
