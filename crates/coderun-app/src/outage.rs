//! Logs when periodic work begins to fail and when it works again, instead of every failure.

use std::error::Error;

use coderun_domain::ErrorChain;

/// The failures in a row of some periodic work.
#[derive(Debug)]
pub(crate) struct Outage {
    operation: &'static str,
    failures: u64,
}

/// A result that differs from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Failing,
    Recovered { failures: u64 },
}

impl Outage {
    /// No failures yet of this operation, such as `sweep`.
    pub(crate) const fn new(operation: &'static str) -> Self {
        Self {
            operation,
            failures: 0,
        }
    }

    /// Logs the result if it differs from the one before.
    pub(crate) fn note<T, E: Error + 'static>(&mut self, result: &Result<T, E>) {
        let change = self.change(result.is_ok());
        let operation = self.operation;
        if let Some(Change::Recovered { failures }) = change {
            tracing::info!(operation, failures, "operation works again");
        }
        if let (Some(Change::Failing), Err(error)) = (change, result) {
            log_failure(operation, error);
        }
    }

    const fn change(&mut self, is_ok: bool) -> Option<Change> {
        let before = self.failures;
        self.failures = if is_ok { 0 } else { before.saturating_add(1) };
        match (before, is_ok) {
            (0, true) => None,
            (0, false) => Some(Change::Failing),
            (failures, true) => Some(Change::Recovered { failures }),
            (_, false) => None,
        }
    }
}

fn log_failure(operation: &str, error: &(dyn Error + 'static)) {
    tracing::warn!(operation, error = %ErrorChain(error), "operation fails and is retried");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_and_the_first_success_after_it_are_changes() {
        let mut outage = Outage::new("test");
        assert_eq!(outage.change(true), None);
        for _ in 0..2 {
            assert_eq!(outage.change(false), Some(Change::Failing));
            assert_eq!(outage.change(false), None);
            assert_eq!(outage.change(false), None);
            let recovered = Change::Recovered { failures: 3 };
            assert_eq!(outage.change(true), Some(recovered));
            assert_eq!(outage.change(true), None);
        }
    }
}
