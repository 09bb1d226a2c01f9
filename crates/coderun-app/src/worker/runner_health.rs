//! Keeps a worker from taking executions while its runner does not work.

use std::sync::atomic::{AtomicBool, Ordering};

use coderun_domain::{CodeRunner, RunnerError};

/// Whether the runner works, as far as the worker knows.
///
/// A worker that took executions although its runner fails would use up the attempts of one after the other.
#[derive(Debug, Default)]
pub(super) struct RunnerHealth {
    is_proven: AtomicBool,
}

impl RunnerHealth {
    /// Notes that the runner failed or turned an execution away.
    pub(super) fn mark_failed(&self) {
        self.is_proven.store(false, Ordering::Release);
    }

    /// Whether the runner has passed a check and not failed since.
    pub(super) fn is_proven(&self) -> bool {
        self.is_proven.load(Ordering::Acquire)
    }

    /// Checks the runner, unless it has passed a check and not failed since.
    pub(super) async fn ensure(&self, runner: &dyn CodeRunner) -> Result<(), RunnerError> {
        if !self.is_proven() {
            runner.check().await?;
            self.is_proven.store(true, Ordering::Release);
        }
        Ok(())
    }
}
