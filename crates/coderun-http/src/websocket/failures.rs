//! Maps failures to close frames, and logs those that the client did not cause.

use std::error::Error;

use coderun_app::AccessError;
use coderun_domain::{FailureKind, VerifyError};

use super::CloseFrame;
use crate::failure_log::log_failure;
use crate::watching::AdmissionError;

/// The close frame after a refused admission.
pub(super) fn admission_failed(error: &AdmissionError) -> CloseFrame {
    match error {
        AdmissionError::Verify(VerifyError::Expired) => CloseFrame::EXPIRED_TOKEN,
        AdmissionError::Verify(error) => failed(error.kind(), error),
        AdmissionError::TimedOut => CloseFrame::VERIFICATION_TIMEOUT,
        AdmissionError::InvalidTicket => CloseFrame::INVALID_TICKET,
        AdmissionError::Ticket(error) => failed(error.kind(), error),
        AdmissionError::SocketLimit(limit) => (*limit).into(),
    }
}

/// The close frame after a failed use case.
pub(super) fn access_failed(error: &AccessError) -> CloseFrame {
    failed(error.kind(), error)
}

/// The close frame after a failure.
pub(super) fn failed(kind: FailureKind, error: &(dyn Error + 'static)) -> CloseFrame {
    log_failure(kind, "a socket", Some(error), None);
    CloseFrame::of_kind(kind)
}
