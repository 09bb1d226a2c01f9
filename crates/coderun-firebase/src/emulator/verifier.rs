//! Verifies a token of the emulator, and looks up its user in the emulator.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{BearerToken, Clock, Principal, TokenVerifier, VerifyError};

use super::EmulatorHost;
use crate::claims::check_claims;
use crate::config::{Issuer, ProjectId, VerifierConfig};
use crate::header::read_unsigned_header;
use crate::http_client::HttpClient;
use crate::parse::UnsignedParts;
use crate::start_error::StartError;
use crate::users::{AccountLookup, CachePolicy, Credentials, IdentityToolkit};
use crate::verifier::log_refusal;

/// The prefix of projects that exist in emulators only; no project of Google has such a name.
const DEMO_PREFIX: &str = "demo-";

/// Nothing is cached: a developer who disables a user in the emulator wants to see the effect at once.
const CACHE_POLICY: CachePolicy = CachePolicy {
    fresh_for: Duration::ZERO,
    stale_for: Duration::ZERO,
    deadline: Duration::from_secs(2),
    users_max: 10_000,
    lookups_max: 32,
};

/// The emulator that issues the tokens, and the rules for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmulatorConfig {
    /// The address of the emulator.
    pub host: EmulatorHost,
    /// The rules for a token, as with Firebase itself.
    pub verifier: VerifierConfig,
}

/// For which projects the tokens of an emulator are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmulatorProjects {
    /// Only for those whose id begins with `demo-`, which do not exist at Google.
    #[default]
    DemoOnly,
    /// For any, although every client that reaches this service can act as any of its users.
    Any,
}

/// Verifies tokens of the Auth emulator: unsigned, so every client can make them. For development and tests only.
///
/// All rules for the tokens of Firebase hold, except those on the signature. The user of each good token is looked up in the
/// emulator; nothing is cached.
#[derive(Debug)]
pub struct EmulatorTokenVerifier {
    config: VerifierConfig,
    clock: Arc<dyn Clock>,
    users: AccountLookup,
}

impl EmulatorTokenVerifier {
    /// A verifier for the tokens of this emulator. Lookups run on the current runtime, until it is dropped.
    ///
    /// # Errors
    /// [`EmulatorError::RealProject`] unless the project's id begins with `demo-` or any is allowed;
    /// [`EmulatorError::OtherIssuer`]; [`EmulatorError::Start`].
    pub fn start(
        config: EmulatorConfig,
        projects: EmulatorProjects,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EmulatorError> {
        check_project(&config.verifier, projects)?;
        let accounts = IdentityToolkit {
            endpoint: config.host.base().clone(),
            project_id: config.verifier.project_id.clone(),
            client: HttpClient::for_google()?,
            credentials: Credentials::EmulatorOwner,
        };
        let users = AccountLookup::with_source(Arc::new(accounts), CACHE_POLICY)?;
        Ok(Self {
            config: config.verifier,
            clock,
            users,
        })
    }

    async fn principal(&self, token: &str) -> Result<Principal, VerifyError> {
        let parts = UnsignedParts::split(token, self.config.token_max)?;
        read_unsigned_header(&parts.header)?;
        let claims = check_claims(&parts.claims, &self.config, self.clock.now())?;
        let user = claims.accept(&self.config.users)?;
        self.users
            .check_sign_in(user.account_id(), user.auth_time)
            .await?;
        Ok(user.principal)
    }
}

#[async_trait]
impl TokenVerifier for EmulatorTokenVerifier {
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError> {
        let text = token.expose();
        let principal = self.principal(text).await;
        principal.inspect_err(|error| log_refusal(text, None, error))
    }

    async fn check(&self) -> Result<(), VerifyError> {
        self.users.check()
    }
}

fn check_project(config: &VerifierConfig, projects: EmulatorProjects) -> Result<(), EmulatorError> {
    let is_demo = config.project_id.as_str().starts_with(DEMO_PREFIX);
    if projects == EmulatorProjects::DemoOnly && !is_demo {
        let project_id = config.project_id.clone();
        return Err(EmulatorError::RealProject { project_id });
    }
    match config.issuer {
        Issuer::Firebase => Ok(()),
        Issuer::Development => Err(EmulatorError::OtherIssuer),
    }
}

/// Says why there is no verifier for the emulator.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The project may exist at Google, and then has users who can be harmed.
    #[error(
        "with the Auth emulator every client can act as any user, so the project id must begin with `demo-`, which no \
         project at Google does, not `{project_id}`"
    )]
    RealProject {
        /// The project.
        project_id: ProjectId,
    },
    /// The emulator's tokens name Firebase as their issuer, and no other can be expected.
    #[error("the Auth emulator issues tokens in the name of Firebase only")]
    OtherIssuer,
    /// The background work cannot start.
    #[error("the Auth emulator cannot be asked about users")]
    Start(#[from] StartError),
}

#[cfg(test)]
mod tests;
