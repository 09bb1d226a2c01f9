//! Holds the settings of a verifier, each checked when it is made.

mod endpoint;
mod policy;
mod values;

use std::time::Duration;

use coderun_domain::ByteSize;

pub use endpoint::{Endpoint, EndpointError};
pub use policy::{AnonymousUsers, EmailPolicy, SignInProviders, TenantPolicy, UserPolicy};
pub use values::{
    BoundedDuration, ClockSkew, ConfigError, KeyId, ProjectId, StaleKeyBound, TenantId,
};

/// The rules for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierConfig {
    /// The project that a token must be meant for (`aud`).
    pub project_id: ProjectId,
    /// The issuer that it must name (`iss`).
    pub issuer: Issuer,
    /// How far the clocks of issuer and verifier may be apart; 60 s by default.
    pub clock_skew: ClockSkew,
    /// The longest token that is read; 8 KiB by default.
    pub token_max: ByteSize,
    /// The longest time between `iat` and `exp`; 24 h by default.
    pub lifetime_max: Duration,
    /// How many good tokens are cached, so that they need not be verified again; 10 000 by default, 0 for none.
    pub verified_tokens_max: usize,
    /// The tenants that are accepted; none by default.
    pub tenants: TenantPolicy,
    /// The users that are accepted once the token is known to be good; all by default.
    pub users: UserPolicy,
}

impl VerifierConfig {
    /// The defaults for the tokens of a Firebase project.
    #[must_use]
    pub fn firebase(project_id: ProjectId) -> Self {
        Self::of(project_id, Issuer::Firebase)
    }

    pub(crate) fn of(project_id: ProjectId, issuer: Issuer) -> Self {
        Self {
            project_id,
            issuer,
            clock_skew: ClockSkew::default(),
            token_max: ByteSize::from_kib(8),
            lifetime_max: Duration::from_hours(24),
            verified_tokens_max: 10_000,
            tenants: TenantPolicy::default(),
            users: UserPolicy::default(),
        }
    }
}

/// An issuer of tokens. Its prefix and the project id are the `iss` of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// Google, for Firebase projects.
    Firebase,
    /// This service itself, for development.
    Development,
}

impl Issuer {
    /// The text before the project id in `iss`.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Firebase => "https://securetoken.google.com/",
            Self::Development => "https://development.coderun.invalid/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let config = VerifierConfig::firebase(ProjectId::parse("p").unwrap());
        assert_eq!(config.clock_skew.as_duration(), Duration::from_mins(1));
        assert_eq!(config.token_max.as_bytes(), 8 * 1024);
        assert_eq!(config.lifetime_max, Duration::from_hours(24));
        assert_eq!(config.verified_tokens_max, 10_000);
        assert_eq!(config.tenants, TenantPolicy::Refused);
    }
}
