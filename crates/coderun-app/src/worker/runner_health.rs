//! Keeps a worker from taking executions while its runner does not work.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use coderun_domain::{CodeRunner, ExecutionId, RunnerError};
use parking_lot::Mutex;

/// How many attempts are remembered that found the runner overloaded. A forgotten one counts as one that failed.
const OVERLOADED_MAX: usize = 1024;

/// Whether the runner works, as far as the worker knows.
///
/// A worker that took executions although its runner fails would use up the attempts of one after the other.
#[derive(Debug, Default)]
pub(super) struct RunnerHealth {
    is_proven: AtomicBool,
    /// The executions of the last attempts that found the runner overloaded, once for each attempt.
    overloaded: Mutex<VecDeque<ExecutionId>>,
}

impl RunnerHealth {
    /// Notes that the runner failed or turned an execution away.
    pub(super) fn mark_failed(&self) {
        self.is_proven.store(false, Ordering::Release);
    }

    /// Notes that the runner was overloaded in an attempt at this execution.
    pub(super) fn mark_overloaded(&self, id: ExecutionId) {
        let mut overloaded = self.overloaded.lock();
        if overloaded.len() >= OVERLOADED_MAX {
            overloaded.pop_front();
        }
        overloaded.push_back(id);
    }

    /// The number of attempts of this worker at this execution in which the runner was overloaded.
    pub(super) fn overloaded_attempts(&self, id: ExecutionId) -> u32 {
        let overloaded = self.overloaded.lock();
        let attempts = overloaded.iter().filter(|other| **other == id).count();
        u32::try_from(attempts).unwrap_or(u32::MAX)
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
