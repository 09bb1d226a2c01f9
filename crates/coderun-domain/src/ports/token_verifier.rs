//! Verifies tokens and names their users.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{BackendError, BearerToken, FailureKind, Principal};

/// Verifies tokens and names their users.
///
/// Every implementation for tokens in the form of Firebase's passes `coderun_conformance::token_verifier_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TokenVerifier: fmt::Debug + Send + Sync + 'static {
    /// The user of a token that is valid now in every respect.
    ///
    /// # Errors
    /// [`VerifyError`] if the token is invalid, or cannot be verified now.
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError>;

    /// Checks whether tokens can be verified now.
    ///
    /// # Errors
    /// [`VerifyError::KeysUnavailable`] or [`VerifyError::UsersUnavailable`].
    async fn check(&self) -> Result<(), VerifyError>;
}

/// Says why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The token does not have the expected form.
    #[error("the token is malformed")]
    Malformed,
    /// The signature algorithm is not accepted.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The token does not name its key.
    #[error("the token names no key")]
    NoKeyId,
    /// The token is for another project.
    #[error("the token is for another audience")]
    Audience,
    /// The token has another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// The token names no valid user.
    #[error("the token names no valid user")]
    Subject,
    /// The token has expired.
    #[error("the token has expired")]
    Expired,
    /// The token is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The tenant of the token is not accepted.
    #[error("the token's tenant is not accepted")]
    Tenant,
    /// The key that the token names is unknown.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// The token is valid, but its user may not use this service.
    #[error("the user may not use this service")]
    Forbidden,
    /// The token is valid, but the user's sessions were revoked after it was issued.
    #[error("the token was revoked")]
    Revoked,
    /// The token is valid, but its user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The token is valid, but its user no longer exists.
    #[error("the user does not exist")]
    UserNotFound,
    /// The signing keys are unavailable, so the token can be neither accepted nor refused.
    #[error("the signing keys are not available")]
    KeysUnavailable {
        /// The time to wait before the next request.
        retry_after: Duration,
        /// The cause.
        #[source]
        source: BackendError,
    },
    /// The user directory is unavailable, so the token can be neither accepted nor refused.
    #[error("the user directory is not available")]
    UsersUnavailable {
        /// The time to wait before the next request.
        retry_after: Duration,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl VerifyError {
    /// The name of the reason that a client may see, such as `expired`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::NoKeyId => "no-kid",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::Subject => "subject",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Tenant => "tenant",
            Self::UnknownKey => "unknown-kid",
            Self::Signature => "signature",
            Self::Forbidden => "forbidden",
            Self::Revoked => "revoked",
            Self::UserDisabled => "user-disabled",
            Self::UserNotFound => "user-not-found",
            Self::KeysUnavailable { .. } => "keys-unavailable",
            Self::UsersUnavailable { .. } => "users-unavailable",
        }
    }

    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Malformed
            | Self::Algorithm
            | Self::NoKeyId
            | Self::Audience
            | Self::Issuer
            | Self::Subject
            | Self::Expired
            | Self::NotYetValid
            | Self::Tenant
            | Self::UnknownKey
            | Self::Signature
            | Self::Revoked
            | Self::UserNotFound => FailureKind::Unauthenticated,
            Self::Forbidden | Self::UserDisabled => FailureKind::Forbidden,
            Self::KeysUnavailable { .. } | Self::UsersUnavailable { .. } => {
                FailureKind::Unavailable
            }
        }
    }
}
