//! Failures in the log: each once, with the whole chain of its causes.

use std::error::Error;

use coderun_domain::{ErrorChain, FailureKind};
use tracing::field::{DisplayValue, display};

/// A failure that goes to the log.
pub(crate) struct Failure<'a> {
    /// What could not be served.
    pub(crate) what: &'static str,
    pub(crate) error: Option<&'a (dyn Error + 'static)>,
    /// The request, where no span names it.
    pub(crate) request_id: Option<&'a str>,
}

impl Failure<'_> {
    /// Logs it: a defect of ours as an error, what cannot be reached as a warning, and what is to be expected of a busy
    /// server for debugging only. What is the client's is told to the client and to nobody else.
    pub(crate) fn log(&self, kind: FailureKind) {
        match kind {
            FailureKind::Bug => self.log_error(),
            FailureKind::Unavailable => self.log_warning(),
            FailureKind::Overloaded => self.log_debug(),
            FailureKind::Invalid
            | FailureKind::TooLarge
            | FailureKind::Unauthenticated
            | FailureKind::Forbidden
            | FailureKind::Absent
            | FailureKind::RateLimited => {}
        }
    }

    fn chain(&self) -> Option<DisplayValue<ErrorChain<'_>>> {
        self.error.map(|error| display(ErrorChain(error)))
    }

    fn log_error(&self) {
        let (what, error) = (self.what, self.chain());
        tracing::error!(
            request_id = self.request_id,
            error,
            "{what} could not be served"
        );
    }

    fn log_warning(&self) {
        let (what, error) = (self.what, self.chain());
        tracing::warn!(
            request_id = self.request_id,
            error,
            "{what} could not be served"
        );
    }

    fn log_debug(&self) {
        let (what, error) = (self.what, self.chain());
        tracing::debug!(
            request_id = self.request_id,
            error,
            "{what} could not be served"
        );
    }
}
