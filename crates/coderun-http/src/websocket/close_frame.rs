//! Defines the close codes and reasons of a WebSocket, and maps failures to them.

use std::error::Error;

use coderun_app::AccessError;
use coderun_domain::{FailureKind, VerifyError};
use tungstenite::Utf8Bytes;
use tungstenite::protocol::frame;

use crate::authentication::TokenError;
use crate::failure_log::log_failure;
use crate::socket_registry::SocketLimitReached;
use crate::watching::{AdmissionError, FeedError};

/// A close code of the contract with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CloseFrame {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl CloseFrame {
    pub(super) const FINISHED: Self = Self::new(1000, "The execution is final");
    pub(super) const PEER_LEFT: Self = Self::new(1000, "The client closed the connection");
    pub(super) const BINARY_MESSAGE: Self =
        Self::new(1008, "Binary messages are not supported, send text");
    pub(super) const PROTOCOL_ERROR: Self = Self::new(1008, "The WebSocket protocol was violated");
    pub(super) const ORIGIN_NOT_ALLOWED: Self = Self::new(1008, "The origin is not allowed");
    pub(super) const INVALID_SINCE: Self = Self::new(
        1008,
        "since must be a whole number of at least 0, given once",
    );
    pub(super) const PING_TIMEOUT: Self = Self::new(1008, "Two pings were not answered");
    pub(super) const MESSAGE_TOO_BIG: Self = Self::new(1009, "The message is too big");
    pub(super) const INTERNAL: Self = Self::new(1011, "Internal server error");
    pub(super) const DRAINING: Self = Self::new(1012, "The server is shutting down, reconnect");
    pub(super) const UNAVAILABLE: Self =
        Self::new(1013, "The service is temporarily unavailable, reconnect");
    pub(super) const TOO_MANY_SOCKETS: Self =
        Self::new(1013, "Too many sockets are open, try again later");
    pub(super) const TOO_MANY_USER_SOCKETS: Self =
        Self::new(1013, "Too many of your sockets are open, close one first");
    pub(super) const VERIFICATION_TIMEOUT: Self =
        Self::new(1013, "The token could not be verified in time, reconnect");
    pub(super) const SLOW_WATCHER: Self =
        Self::new(1013, "The client reads too slowly, reconnect with since");
    pub(super) const NO_TOKEN: Self = Self::new(4001, "Not authenticated");
    pub(super) const AMBIGUOUS_TOKEN: Self =
        Self::new(4001, "Send exactly one token or ticket, in one place");
    pub(super) const INVALID_TOKEN: Self = Self::new(4001, "Invalid Firebase token");
    pub(super) const EXPIRED_TOKEN: Self = Self::new(4001, "Expired Firebase token");
    pub(super) const INVALID_TICKET: Self =
        Self::new(4001, "This ticket is invalid, already used or expired");
    pub(super) const FORBIDDEN: Self = Self::new(4003, "Access denied");
    pub(super) const NOT_FOUND: Self = Self::new(4004, "Execution not found");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }

    /// The close frame after a failure, which is logged unless the client has caused it.
    pub(super) fn after_failure(kind: FailureKind, error: &(dyn Error + 'static)) -> Self {
        log_failure(kind, "a socket", Some(error), None);
        Self::of_kind(kind)
    }

    const fn of_kind(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Unauthenticated => Self::INVALID_TOKEN,
            FailureKind::Forbidden => Self::FORBIDDEN,
            FailureKind::Absent => Self::NOT_FOUND,
            FailureKind::RateLimited | FailureKind::Overloaded | FailureKind::Unavailable => {
                Self::UNAVAILABLE
            }
            FailureKind::Invalid | FailureKind::TooLarge | FailureKind::Bug => Self::INTERNAL,
        }
    }
}

impl From<CloseFrame> for frame::CloseFrame {
    fn from(frame: CloseFrame) -> Self {
        Self {
            code: frame.code.into(),
            reason: Utf8Bytes::from_static(frame.reason),
        }
    }
}

impl From<AccessError> for CloseFrame {
    fn from(error: AccessError) -> Self {
        Self::after_failure(error.kind(), &error)
    }
}

impl From<AdmissionError> for CloseFrame {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Verify(VerifyError::Expired) => Self::EXPIRED_TOKEN,
            AdmissionError::Verify(error) => Self::after_failure(error.kind(), &error),
            AdmissionError::TimedOut => Self::VERIFICATION_TIMEOUT,
            AdmissionError::InvalidTicket => Self::INVALID_TICKET,
            AdmissionError::Ticket(error) => Self::after_failure(error.kind(), &error),
            AdmissionError::SocketLimit(limit) => limit.into(),
        }
    }
}

impl From<FeedError> for CloseFrame {
    fn from(error: FeedError) -> Self {
        Self::after_failure(error.kind(), &error)
    }
}

impl From<TokenError> for CloseFrame {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Missing => Self::NO_TOKEN,
            TokenError::Ambiguous => Self::AMBIGUOUS_TOKEN,
            TokenError::Unreadable => Self::INVALID_TOKEN,
        }
    }
}

impl From<SocketLimitReached> for CloseFrame {
    fn from(limit: SocketLimitReached) -> Self {
        match limit {
            SocketLimitReached::Total => Self::TOO_MANY_SOCKETS,
            SocketLimitReached::PerUser { .. } => Self::TOO_MANY_USER_SOCKETS,
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
        assert_eq!(CloseFrame::of_kind(kind).code, code);
    }
}
