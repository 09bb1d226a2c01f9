//! Answers when something has changed, for those who ask again and again.

use std::time::Duration;

use coderun_domain::{Event, EventStream, Execution, ExecutionId, Sequence, UserId, WatchError};
use futures_util::StreamExt as _;

use super::{AccessError, Executions};

impl Executions {
    /// Waits for the next change of state of an execution of the user, and answers it as it stands then.
    ///
    /// Answers at once if it is final, or if it has changed since `since`; output alone is no change. Answers the execution
    /// as it stands when `patience` is over, and at once if `since` is a number that is yet to come. Cancel-safe.
    ///
    /// # Errors
    /// [`AccessError`] if there is none, it is another user's, or the backend cannot tell.
    pub async fn wait(
        &self,
        user: &UserId,
        id: ExecutionId,
        since: Option<Sequence>,
        patience: Duration,
    ) -> Result<Execution, AccessError> {
        let execution = self.read(user, id).await?;
        let last = execution.sequence();
        let since = since.unwrap_or(last);
        if execution.status().is_final() || since > last || patience.is_zero() {
            return Ok(execution);
        }
        let changing = async {
            let events = self.ports.notifier.subscribe(id, since).await?;
            next_change(events).await
        };
        // That nothing has changed in time is an answer, too.
        if let Ok(changed) = tokio::time::timeout(patience, changing).await {
            changed?;
        }
        self.read(user, id).await
    }
}

async fn next_change(mut events: EventStream) -> Result<(), WatchError> {
    while let Some(stored) = events.next().await {
        match stored?.event {
            Event::Updated(_) => return Ok(()),
            Event::Output(_) | Event::AwaitingInput(_) => {}
        }
    }
    Ok(())
}
