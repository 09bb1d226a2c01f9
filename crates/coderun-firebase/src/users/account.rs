//! Represents the state of one user in the project.

use coderun_domain::{UserId, VerifyError};
use time::OffsetDateTime;

use crate::config::TenantId;

/// Identifies a user: each tenant has users of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AccountId {
    pub(crate) user: UserId,
    pub(crate) tenant: Option<TenantId>,
}

/// The state of a user when the project was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// There is no such user.
    Absent,
    /// The user is disabled.
    Disabled,
    /// The user may use the service.
    Active {
        /// Sign-ins before this second were revoked.
        valid_since: Option<OffsetDateTime>,
    },
}

impl Account {
    /// Checks a sign-in at this time.
    pub(crate) fn check_sign_in(self, auth_time: OffsetDateTime) -> Result<(), VerifyError> {
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
    fn a_sign_in_is_checked(#[case] account: Account, #[case] expected: Option<&str>) {
        let reason = account
            .check_sign_in(at(10))
            .map_err(|error| error.reason())
            .err();
        assert_eq!(reason, expected);
    }
}
