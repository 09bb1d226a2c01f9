//! Failures in the log: each once, with the whole chain of its causes.

use std::error::Error;
use std::fmt::Write as _;

use coderun_domain::FailureKind;

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

    fn log_error(&self) {
        let (what, error) = (self.what, self.error.map(chain));
        tracing::error!(
            request_id = self.request_id,
            error,
            "{what} could not be served"
        );
    }

    fn log_warning(&self) {
        let (what, error) = (self.what, self.error.map(chain));
        tracing::warn!(
            request_id = self.request_id,
            error,
            "{what} could not be served"
        );
    }

    fn log_debug(&self) {
        let (what, error) = (self.what, self.error.map(chain));
        tracing::debug!(
            request_id = self.request_id,
            error,
            "{what} could not be served"
        );
    }
}

/// An error and its causes, each after the one that it caused.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_of_causes_is_put_together() {
        let error = coderun_domain::StoreError::Unavailable {
            backend: "test",
            source: "refused".into(),
        };
        assert_eq!(chain(&error), "the store `test` is not available: refused");
    }
}
