//! Finds out who shows a token.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{BackendError, BearerToken, FailureKind, Principal};

/// Finds out who shows a token.
///
/// Every implementation for tokens in the form of Firebase's passes `coderun_conformance::token_verifier_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TokenVerifier: fmt::Debug + Send + Sync + 'static {
    /// The user whom a token names, if it is good now in every respect.
    ///
    /// # Errors
    /// A [`VerifyError`] that says what is wrong with the token, or that it cannot be judged now.
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError>;

    /// Whether tokens can be judged now.
    ///
    /// # Errors
    /// [`VerifyError::KeysUnavailable`] or [`VerifyError::UsersUnavailable`].
    async fn check(&self) -> Result<(), VerifyError>;
}

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not a token of the expected form.
    #[error("the token is malformed")]
    Malformed,
    /// It is signed in a way that is not accepted.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// It does not say which key signed it.
    #[error("the token names no key")]
    NoKeyId,
    /// It is meant for another project.
    #[error("the token is for another audience")]
    Audience,
    /// Somebody else issued it.
    #[error("the token is from another issuer")]
    Issuer,
    /// It names no acceptable user.
    #[error("the token names no valid user")]
    Subject,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It belongs to a tenant that is not accepted.
    #[error("the token's tenant is not accepted")]
    Tenant,
    /// No key has the name that it gives.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// It was good, but its user may not use this service.
    #[error("the user may not use this service")]
    Forbidden,
    /// It was good, but its user's sessions were ended after it was issued.
    #[error("the token was revoked")]
    Revoked,
    /// It was good, but its user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// It was good, but its user does not exist any more.
    #[error("the user does not exist")]
    UserNotFound,
    /// The signing keys cannot be had, so the token can be neither accepted nor refused.
    #[error("the signing keys are not available")]
    KeysUnavailable {
        /// When to ask again.
        retry_after: Duration,
        /// The cause.
        #[source]
        source: BackendError,
    },
    /// What is known of the user now cannot be asked for, so the token can be neither accepted nor refused.
    #[error("the user directory is not available")]
    UsersUnavailable {
        /// When to ask again.
        retry_after: Duration,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl VerifyError {
    /// The word for the reason that a client may see, such as `expired`.
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

    /// Whether the same token may be accepted later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// What it means to whoever asked.
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
