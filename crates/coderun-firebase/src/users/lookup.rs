//! The user directory of a Firebase project.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{BackendError, Clock, VerifyError};

use super::cached::{CachePolicy, CachedDirectory};
use super::remote::{Credentials, RemoteAccounts};
use super::{SignIn, UserDirectory};
use crate::config::{Endpoint, ProjectId};
use crate::http_client::{HttpClient, HttpError};
use crate::refreshing::NoRuntime;
use crate::service_account::{AccessTokens, ServiceAccount};

/// Where users are looked up, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLookupConfig {
    /// The project whose users are meant.
    pub project_id: ProjectId,
    /// Where its users are asked for: [`AccountLookupConfig::GOOGLE`], or what stands in for it.
    pub base: Endpoint,
    /// What is known of a user is not asked for again in this time. Default: 60 s.
    pub fresh_for: Duration,
    /// What is known of a user is used for so long when it cannot be asked for again. Default: 5 min.
    pub stale_for: Duration,
    /// A lookup takes at most so long, the access token included. Default: 2 s. A quarter of it is for waiting for its
    /// turn. Who is known, but not freshly, waits for 15 % of it, then what is known is used.
    pub deadline: Duration,
    /// So many users are remembered, those asked for last. Default: 10 000.
    pub users_max: usize,
    /// So many lookups are made at a time; more wait for their turn. Default: 32.
    pub lookups_max: usize,
}

impl AccountLookupConfig {
    /// The URL of Google's Identity Toolkit.
    pub const GOOGLE: &str = "https://identitytoolkit.googleapis.com";

    /// The defaults, for the users of this project.
    #[must_use]
    pub const fn new(project_id: ProjectId, base: Endpoint) -> Self {
        Self {
            project_id,
            base,
            fresh_for: Duration::from_mins(1),
            stale_for: Duration::from_mins(5),
            deadline: Duration::from_secs(2),
            users_max: 10_000,
            lookups_max: 32,
        }
    }

    fn cache_policy(&self) -> CachePolicy {
        CachePolicy {
            fresh_for: self.fresh_for,
            stale_for: self.stale_for,
            deadline: self.deadline,
            users_max: self.users_max,
            lookups_max: self.lookups_max,
        }
    }
}

/// Looks users up at Google, in the name of a service account.
///
/// What is known of a user is used for a while, and a while longer when Google cannot be asked. All callers who want
/// to know about one user share one question; it goes on when they go away. A user whose lookup failed rests for a
/// second. After three failures in a row that would have met any user, all lookups rest: for a second, then for twice as
/// long each time, 30 s at most, and after each rest one lookup shows whether that was enough. Time is monotonic: setting the clock of the machine changes nothing.
#[derive(Debug)]
pub struct AccountLookup {
    directory: CachedDirectory,
}

impl AccountLookup {
    /// A directory that knows nobody yet; asks for nothing before it is asked.
    ///
    /// Its work is done on the present runtime, until it is dropped.
    ///
    /// # Errors
    /// [`AccountLookupError::OtherProject`]; [`AccountLookupError::Client`]; [`AccountLookupError::Runtime`].
    pub fn start(
        config: AccountLookupConfig,
        account: ServiceAccount,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AccountLookupError> {
        if *account.project_id() != config.project_id {
            return Err(AccountLookupError::OtherProject {
                account: account.project_id().clone(),
                expected: config.project_id,
            });
        }
        let policy = config.cache_policy();
        let client = HttpClient::for_google()?;
        let tokens = AccessTokens::start(account, client.clone(), clock, config.deadline)?;
        let accounts = RemoteAccounts {
            base: config.base,
            project_id: config.project_id,
            client,
            credentials: Credentials::ServiceAccount(tokens),
        };
        Ok(Self {
            directory: CachedDirectory::start(Arc::new(accounts), policy)?,
        })
    }
}

#[async_trait]
impl UserDirectory for AccountLookup {
    async fn admit(&self, sign_in: SignIn<'_>) -> Result<(), VerifyError> {
        self.directory.admit(sign_in).await
    }

    async fn check(&self) -> Result<(), VerifyError> {
        self.directory.check().await
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
    /// There is no HTTP client, for lack of trusted certificates for example.
    #[error("users cannot be asked for over HTTP")]
    Client(#[source] BackendError),
    /// It was not called inside a tokio runtime.
    #[error("users can be looked up only inside a tokio runtime")]
    Runtime,
}

impl From<HttpError> for AccountLookupError {
    fn from(error: HttpError) -> Self {
        Self::Client(error.into())
    }
}

impl From<NoRuntime> for AccountLookupError {
    fn from(_: NoRuntime) -> Self {
        Self::Runtime
    }
}

#[cfg(test)]
mod tests;
