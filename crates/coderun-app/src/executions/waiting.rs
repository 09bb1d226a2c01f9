//! Waits for the next change of an execution, for clients that poll.

use std::time::Duration;

use coderun_domain::{Event, Execution, ExecutionId, Progress, Sequence, UserId, WatchError};
use futures_util::StreamExt as _;

use super::{AccessError, Executions};

impl Executions {
    /// Waits for the next change of state of an execution of the user, and returns the execution.
    ///
    /// Returns at once if the execution is final, has changed after `since`, or has no event `since` yet; output alone is no
    /// change. Without a change it returns after `timeout`. Cancel-safe.
    ///
    /// # Errors
    /// [`AccessError`] if the execution does not exist, belongs to another user, or a backend fails.
    pub async fn wait(
        &self,
        user: &UserId,
        id: ExecutionId,
        since: Option<Sequence>,
        timeout: Duration,
    ) -> Result<Execution, AccessError> {
        let execution = self.read(user, id).await?;
        let last = execution.sequence();
        let since = since.unwrap_or(last);
        if execution.status().is_final() || since > last || timeout.is_zero() {
            return Ok(execution);
        }
        let changing = self.until_updated(id, since, |_| true);
        // A timeout is no error: the execution has not changed.
        if let Ok(changed) = tokio::time::timeout(timeout, changing).await {
            changed?;
        }
        self.read(user, id).await
    }

    /// Waits until the execution has changed to a state that `is_wanted`, or its events have ended.
    pub(super) async fn until_updated(
        &self,
        id: ExecutionId,
        since: Sequence,
        is_wanted: impl Fn(&Progress) -> bool + Send,
    ) -> Result<(), WatchError> {
        let mut events = self.ports.notifier.subscribe(id, since).await?;
        while let Some(stored) = events.next().await {
            match stored?.event {
                Event::Updated(progress) if is_wanted(&progress) => return Ok(()),
                Event::Updated(_) | Event::Output(_) | Event::AwaitingInput(_) => {}
            }
        }
        Ok(())
    }
}
