//! Logs when periodic work begins to fail, for which causes, and when it works again, instead of every failure.

use std::error::Error;

use coderun_domain::{Diagnosis, ErrorChain};

/// The causes of one outage that are logged; more of them would be noise.
const CAUSES_MAX: usize = 8;

/// The failures in a row of some periodic work.
#[derive(Debug)]
pub(crate) struct Outage {
    operation: &'static str,
    failures: u64,
    /// The causes that were logged since it last worked.
    causes: Vec<String>,
}

impl Outage {
    /// No failures yet of this operation, such as `sweep`.
    pub(crate) const fn new(operation: &'static str) -> Self {
        Self {
            operation,
            failures: 0,
            causes: Vec::new(),
        }
    }

    /// Logs each cause once, and the first success after failures.
    pub(crate) fn note<T, E: Error + 'static>(&mut self, result: &Result<T, E>) {
        match result {
            Ok(_) => self.note_success(),
            Err(error) => self.note_failure(error),
        }
    }

    /// Logs that it works again.
    pub(crate) fn note_success(&mut self) {
        let Self {
            operation,
            failures,
            ..
        } = *self;
        if failures > 0 {
            tracing::info!(operation, failures, "operation works again");
        }
        *self = Self::new(operation);
    }

    /// Logs the failure with all its causes, unless it was logged before.
    pub(crate) fn note_failure(&mut self, error: &(dyn Error + 'static)) {
        self.failures = self.failures.saturating_add(1);
        let error_with_causes = ErrorChain(error).to_string();
        // The causes of a diagnosis may differ each time, as in the port that was used.
        let cause = Diagnosis::of(error).unwrap_or(&error_with_causes);
        if self.is_new(cause) {
            self.causes.push(cause.to_owned());
            let operation = self.operation;
            tracing::warn!(
                operation,
                error = error_with_causes,
                "operation fails and is retried"
            );
        }
    }

    fn is_new(&self, cause: &str) -> bool {
        self.causes.len() < CAUSES_MAX && !self.causes.iter().any(|logged| logged == cause)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Error as Refused;
    use std::io::{Error as IoError, ErrorKind};

    use super::*;

    #[test]
    fn each_cause_of_an_outage_is_new_once() {
        let mut outage = Outage::new("test");
        for _ in 0..2 {
            let cause = ErrorChain(&Refused).to_string();
            assert!(outage.is_new(&cause));
            for _ in 0..2 {
                outage.note::<(), _>(&Err(Refused));
                assert!(!outage.is_new(&cause));
            }
            outage.note::<(), _>(&Err(IoError::from(ErrorKind::TimedOut)));
            assert_eq!((outage.failures, outage.causes.len()), (3, 2));
            outage.note::<_, Refused>(&Ok(()));
            assert_eq!((outage.failures, outage.causes.len()), (0, 0));
        }
    }

    #[test]
    fn one_diagnosis_is_one_cause() {
        let mut outage = Outage::new("test");
        for number in 0..2 {
            let source = IoError::other(number.to_string());
            outage.note::<(), _>(&Err(Diagnosis::new("the memory is full", source)));
        }
        assert_eq!(outage.causes, ["the memory is full"]);
    }

    #[test]
    fn causes_that_always_differ_are_not_logged_without_end() {
        let mut outage = Outage::new("test");
        for number in 0..100 {
            outage.note::<(), _>(&Err(IoError::other(number.to_string())));
        }
        assert_eq!(outage.causes.len(), CAUSES_MAX);
    }
}
