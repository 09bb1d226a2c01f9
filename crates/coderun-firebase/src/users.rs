//! Looks up the current state of users, which a token from an hour ago does not say.

mod account;
mod answer;
mod circuit_breaker;
mod google;
mod lookup;
mod lookup_error;
mod remote;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt;

use async_trait::async_trait;
use coderun_domain::{UserId, VerifyError};
use time::OffsetDateTime;

use crate::config::TenantId;

pub use google::{AccountLookupConfig, AccountLookupError};
pub use lookup::{AccountLookup, CachePolicy};
pub(crate) use remote::{Credentials, RemoteAccounts};

/// Knows the users of a project as they are now.
#[async_trait]
pub trait UserDirectory: fmt::Debug + Send + Sync + 'static {
    /// Checks that this sign-in still lets its user use the service. Dropping the call changes nothing for other callers.
    ///
    /// # Errors
    /// [`VerifyError::UserNotFound`]; [`VerifyError::UserDisabled`]; [`VerifyError::Revoked`] if all sessions of the
    /// user were ended after the sign-in; [`VerifyError::UsersUnavailable`] if that is not known now.
    async fn check_sign_in(&self, sign_in: SignIn<'_>) -> Result<(), VerifyError>;

    /// Checks that lookups worked lately, without making one.
    ///
    /// # Errors
    /// [`VerifyError::UsersUnavailable`].
    async fn check(&self) -> Result<(), VerifyError>;
}

/// The sign-in behind a good token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn<'token> {
    /// The user.
    pub user: &'token UserId,
    /// The tenant that the user belongs to, if any.
    pub tenant: Option<&'token TenantId>,
    /// When the user signed in.
    pub auth_time: OffsetDateTime,
}
