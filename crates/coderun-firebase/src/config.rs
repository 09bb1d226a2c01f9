//! Holds the settings of a verifier, each checked when it is made.

mod endpoint;
mod policy;

use std::fmt;
use std::time::Duration;

use coderun_domain::ByteSize;

pub use endpoint::{Endpoint, EndpointError};
pub use policy::{
    AnonymousUsers, EmailPolicy, PolicyError, SignInProviders, TenantId, TenantPolicy, UserPolicy,
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

/// The id of a Firebase project.
///
/// 1 to [`ProjectId::MAX_BYTES`] ASCII letters, digits and `-`, `_`, `.`, `:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectId(String);

impl ProjectId {
    /// The longest project id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Checks and wraps a project id.
    ///
    /// # Errors
    /// [`ConfigError::ProjectId`].
    pub fn parse(text: impl Into<String>) -> Result<Self, ConfigError> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if text.is_empty() || text.len() > Self::MAX_BYTES || !text.bytes().all(allowed) {
            return Err(ConfigError::ProjectId);
        }
        Ok(Self(text))
    }

    /// The id of the development issuer's only project.
    pub(crate) fn development() -> Self {
        Self("coderun-development".to_owned())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far the clocks of issuer and verifier may be apart: 0 to [`ClockSkew::MAX`], 60 s by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew(Duration);

impl ClockSkew {
    /// The greatest skew that can be allowed.
    pub const MAX: Duration = Duration::from_mins(5);

    /// Checks and wraps a skew.
    ///
    /// # Errors
    /// [`ConfigError::ClockSkew`] above [`ClockSkew::MAX`].
    pub fn new(skew: Duration) -> Result<Self, ConfigError> {
        if skew > Self::MAX {
            return Err(ConfigError::ClockSkew { actual: skew });
        }
        Ok(Self(skew))
    }

    /// The skew as a duration.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

impl Default for ClockSkew {
    fn default() -> Self {
        Self(Duration::from_mins(1))
    }
}

/// Says which setting is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text cannot be the id of a project.
    #[error(
        "the project id must be 1 to {} letters, digits and `-`, `_`, `.`, `:`",
        ProjectId::MAX_BYTES
    )]
    ProjectId,
    /// The skew is too great.
    #[error(
        "a clock skew of {actual:?} is too great, at most {:?} are allowed",
        ClockSkew::MAX
    )]
    ClockSkew {
        /// The skew that was asked for.
        actual: Duration,
    },
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one_letter("a")]
    #[case::usual("demo-project-1")]
    #[case::of_a_domain("example.com:project")]
    fn a_project_id_is_accepted(#[case] text: &str) {
        assert_eq!(ProjectId::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case::empty("")]
    #[case::slash("a/b")]
    #[case::space("a b")]
    #[case::line_feed("a\n")]
    #[case::not_ascii("ä")]
    fn another_text_is_no_project_id(#[case] text: &str) {
        assert_eq!(ProjectId::parse(text), Err(ConfigError::ProjectId));
    }

    #[test]
    fn a_project_id_has_a_greatest_length() {
        assert!(ProjectId::parse("p".repeat(128)).is_ok());
        assert!(ProjectId::parse("p".repeat(129)).is_err());
    }

    #[test]
    fn a_clock_skew_is_at_most_five_minutes() {
        assert!(ClockSkew::new(Duration::ZERO).is_ok());
        assert!(ClockSkew::new(Duration::from_mins(5)).is_ok());
        let beyond = Duration::from_mins(5) + Duration::from_nanos(1);
        assert_eq!(
            ClockSkew::new(beyond),
            Err(ConfigError::ClockSkew { actual: beyond })
        );
    }

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
