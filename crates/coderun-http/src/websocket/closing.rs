//! Why a socket is closed.

use actix_ws::{CloseCode, CloseReason};
use coderun_domain::FailureKind;

use crate::authentication::TokenError;
use crate::watching::Crowded;

/// Why a socket is closed, in the codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closing {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl Closing {
    pub(super) const FINISHED: Self = Self::new(1000, "The execution is final");
    pub(super) const LEFT: Self = Self::new(1000, "Good bye");
    pub(super) const BINARY: Self = Self::new(1008, "Only text messages are understood");
    pub(super) const MALFORMED: Self = Self::new(1008, "The WebSocket protocol was violated");
    pub(super) const FOREIGN_ORIGIN: Self = Self::new(1008, "The origin is not allowed");
    pub(super) const BAD_SINCE: Self = Self::new(1008, "since must be one whole number from 0 up");
    pub(super) const SILENT: Self = Self::new(1008, "Two pings were not answered");
    pub(super) const TOO_BIG: Self = Self::new(1009, "The message is too big");
    pub(super) const INTERNAL: Self = Self::new(1011, "Internal server error");
    pub(super) const DRAINING: Self = Self::new(1012, "The server is shutting down, reconnect");
    pub(super) const UNAVAILABLE: Self =
        Self::new(1013, "The service is temporarily unavailable, reconnect");
    pub(super) const CROWDED: Self = Self::new(1013, "Too many sockets are open");
    pub(super) const USER_CROWDED: Self = Self::new(1013, "Too many of your sockets are open");
    pub(super) const UNVERIFIED: Self =
        Self::new(1013, "The token could not be verified in time, reconnect");
    pub(super) const SLOW: Self = Self::new(1013, "The watcher is too slow, reconnect with since");
    pub(super) const NO_TOKEN: Self = Self::new(4001, "Not authenticated");
    pub(super) const AMBIGUOUS_TOKEN: Self = Self::new(4001, "The token must stand in one place");
    pub(super) const INVALID_TOKEN: Self = Self::new(4001, "Invalid Firebase token");
    pub(super) const EXPIRED_TOKEN: Self = Self::new(4001, "Expired Firebase token");
    pub(super) const BAD_TICKET: Self = Self::new(4001, "The ticket is not good, or not any more");
    pub(super) const FORBIDDEN: Self = Self::new(4003, "Access denied");
    pub(super) const ABSENT: Self = Self::new(4004, "Execution not found");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }

    /// The close code that tells a client what a failure means.
    pub(super) const fn of_kind(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Unauthenticated => Self::INVALID_TOKEN,
            FailureKind::Forbidden => Self::FORBIDDEN,
            FailureKind::Absent => Self::ABSENT,
            FailureKind::RateLimited | FailureKind::Overloaded | FailureKind::Unavailable => {
                Self::UNAVAILABLE
            }
            FailureKind::Invalid | FailureKind::TooLarge | FailureKind::Bug => Self::INTERNAL,
        }
    }
}

impl From<Closing> for CloseReason {
    fn from(closing: Closing) -> Self {
        Self {
            code: CloseCode::from(closing.code),
            description: Some(closing.reason.to_owned()),
        }
    }
}

impl From<TokenError> for Closing {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Missing => Self::NO_TOKEN,
            TokenError::Ambiguous => Self::AMBIGUOUS_TOKEN,
            TokenError::Unreadable => Self::INVALID_TOKEN,
        }
    }
}

impl From<Crowded> for Closing {
    fn from(crowded: Crowded) -> Self {
        match crowded {
            Crowded::All => Self::CROWDED,
            Crowded::User => Self::USER_CROWDED,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(FailureKind::Invalid, 1011)]
    #[case(FailureKind::TooLarge, 1011)]
    #[case(FailureKind::Unauthenticated, 4001)]
    #[case(FailureKind::Forbidden, 4003)]
    #[case(FailureKind::Absent, 4004)]
    #[case(FailureKind::RateLimited, 1013)]
    #[case(FailureKind::Overloaded, 1013)]
    #[case(FailureKind::Unavailable, 1013)]
    #[case(FailureKind::Bug, 1011)]
    fn each_kind_of_failure_has_its_close_code(#[case] kind: FailureKind, #[case] code: u16) {
        assert_eq!(Closing::of_kind(kind).code, code);
    }

    #[rstest]
    #[case(Closing::LEFT)]
    #[case(Closing::DRAINING)]
    #[case(Closing::SLOW)]
    #[case(Closing::ABSENT)]
    fn the_code_arrives_as_it_is(#[case] closing: Closing) {
        assert_eq!(u16::from(CloseReason::from(closing).code), closing.code);
    }
}
