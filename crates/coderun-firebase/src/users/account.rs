//! What is known of one user.

use coderun_domain::{UserId, VerifyError};
use time::OffsetDateTime;

use super::SignIn;
use crate::config::TenantId;

/// Which user is meant: a tenant has users of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AccountId {
    pub(crate) user: UserId,
    pub(crate) tenant: Option<TenantId>,
}

impl AccountId {
    pub(crate) fn of(sign_in: SignIn<'_>) -> Self {
        Self {
            user: sign_in.user.clone(),
            tenant: sign_in.tenant.cloned(),
        }
    }
}

/// What the project knew of a user when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// There is no such user.
    Absent,
    /// The user is disabled.
    Disabled,
    /// The user may come in.
    Active {
        /// Sign-ins before this second do not count any more.
        valid_since: Option<OffsetDateTime>,
    },
}

impl Account {
    /// Whether a sign-in at this time still counts.
    pub(crate) fn admit(self, auth_time: OffsetDateTime) -> Result<(), VerifyError> {
        match self {
            Self::Absent => Err(VerifyError::UserNotFound),
            Self::Disabled => Err(VerifyError::UserDisabled),
            Self::Active { valid_since } if valid_since.is_some_and(|since| auth_time < since) => {
                Err(VerifyError::Revoked)
            }
            Self::Active { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::at;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::absent(Account::Absent, Some("user-not-found"))]
    #[case::disabled(Account::Disabled, Some("user-disabled"))]
    #[case::always_valid(Account::Active { valid_since: None }, None)]
    #[case::revoked_before(Account::Active { valid_since: Some(at(9)) }, None)]
    #[case::revoked_in_the_same_second(Account::Active { valid_since: Some(at(10)) }, None)]
    #[case::revoked_after(Account::Active { valid_since: Some(at(11)) }, Some("revoked"))]
    fn a_sign_in_is_judged(#[case] account: Account, #[case] expected: Option<&str>) {
        let reason = account.admit(at(10)).map_err(|error| error.reason()).err();
        assert_eq!(reason, expected);
    }
}
