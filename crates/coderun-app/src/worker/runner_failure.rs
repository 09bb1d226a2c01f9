//! Decides what becomes of an execution when the runner failed, not the program.

use std::time::Duration;

use coderun_domain::{EndedWithoutRun, ErrorChain, QueueError, RunnerError};
use tokio_util::sync::CancellationToken;

use super::run::Run;
use crate::retry;

/// The longest that a worker keeps an execution that it cannot run before it releases it.
const HOLD_MAX: Duration = Duration::from_secs(10);

impl Run<'_> {
    /// Releases the execution for another attempt after a while; ends it if no attempt is left or none can succeed.
    pub(super) async fn handle_runner_failure(
        &self,
        error: &RunnerError,
    ) -> Result<(), QueueError> {
        tracing::warn!(error = %ErrorChain(error), "the runner failed");
        let retry_after = match error {
            RunnerError::Unsupported { .. } => {
                let reason = "The runner does not offer this language any more";
                return self
                    .finish_without_report(EndedWithoutRun::Rejected, reason)
                    .await;
            }
            RunnerError::Overloaded { retry_after } => *retry_after,
            RunnerError::Unavailable { .. } | RunnerError::Broken { .. } => None,
        };
        self.worker.health.mark_failed();
        let attempts = self.lease.execution().attempt().count();
        if attempts >= self.attempts_max(error) {
            let reason = format!("The program could not be run in {attempts} attempts");
            return self
                .finish_without_report(EndedWithoutRun::Failed, &reason)
                .await;
        }
        let wait = retry_after.unwrap_or_else(|| retry::wait_after(attempts));
        self.hold(wait.min(HOLD_MAX)).await?;
        self.release().await
    }

    /// An overloaded runner has not tried, so only the store's bound counts.
    fn attempts_max(&self, error: &RunnerError) -> u32 {
        let settings = &self.worker.settings;
        match error {
            RunnerError::Overloaded { .. } => settings.policy.attempts_max,
            RunnerError::Unsupported { .. }
            | RunnerError::Unavailable { .. }
            | RunnerError::Broken { .. } => settings.policy.attempts_max.min(settings.attempts_max),
        }
    }

    /// Holds the lease for a while, so that no worker tries again too soon.
    async fn hold(&self, wait: Duration) -> Result<(), QueueError> {
        let cancelled = CancellationToken::new();
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.abort.cancelled() => Ok(()),
            // A release ends an execution that its owner has cancelled.
            () = cancelled.cancelled() => Ok(()),
            () = self.lease.renew_until_lost(&cancelled) => Err(QueueError::LeaseLost),
        }
    }
}
