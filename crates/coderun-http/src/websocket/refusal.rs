//! The reasons to close after something has failed, which is logged here and nowhere else if it is not the watcher's doing.

use std::error::Error;

use coderun_app::AccessError;
use coderun_domain::{FailureKind, VerifyError};

use super::Closing;
use crate::failure_log::Failure;
use crate::watching::AdmissionError;

/// The reason to close after nobody was admitted.
pub(super) fn not_admitted(error: &AdmissionError) -> Closing {
    match error {
        AdmissionError::Verify(VerifyError::Expired) => Closing::EXPIRED_TOKEN,
        AdmissionError::Verify(error) => failed(error.kind(), error),
        AdmissionError::TooLong => Closing::UNVERIFIED,
        AdmissionError::BadTicket => Closing::BAD_TICKET,
        AdmissionError::Ticket(error) => failed(error.kind(), error),
        AdmissionError::Crowded(crowded) => (*crowded).into(),
    }
}

/// The reason to close after a use case has failed.
pub(super) fn no_access(error: &AccessError) -> Closing {
    failed(error.kind(), error)
}

/// The reason to close after a failure.
pub(super) fn failed(kind: FailureKind, error: &(dyn Error + 'static)) -> Closing {
    let failure = Failure {
        what: "a socket",
        error: Some(error),
        request_id: None,
    };
    failure.log(kind);
    Closing::of_kind(kind)
}
