//! Whether the runner can be relied upon.

use std::sync::atomic::{AtomicBool, Ordering};

use coderun_domain::{CodeRunner, RunnerError};

/// Whether the runner is in doubt: it has not shown yet that it works, or has failed or turned work away since.
///
/// A worker that took work in spite of that would use up the attempts of one execution after the other.
#[derive(Debug)]
pub(super) struct Doubt(AtomicBool);

impl Doubt {
    pub(super) const fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    /// The runner has failed.
    pub(super) fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Asks the runner how it is, if it is in doubt.
    pub(super) async fn settle(&self, runner: &dyn CodeRunner) -> Result<(), RunnerError> {
        if self.0.load(Ordering::Acquire) {
            runner.check().await?;
            self.0.store(false, Ordering::Release);
        }
        Ok(())
    }
}
