//! Deletes one execution or all executions of a user, and stops those that run.

use std::time::Duration;

use coderun_domain::{CancelReply, ExecutionId, Page, Sequence, StoreError, UserId, WatchError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{AccessError, Executions};

/// The longest wait for a program to stop before its execution is deleted. Its worker then loses its lease and kills it.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// The executions that are listed at a time.
const PAGE: usize = 100;
/// The executions that are deleted at a time.
const CONCURRENT_DELETIONS: usize = 8;

impl Executions {
    /// Deletes an execution of the user. One that is not final is cancelled first.
    ///
    /// # Errors
    /// [`AccessError`] if the execution does not exist, belongs to another user, or the store fails.
    pub async fn delete(&self, user: &UserId, id: ExecutionId) -> Result<(), AccessError> {
        let execution = self.read(user, id).await?;
        if !execution.status().is_final() {
            self.stop(id).await?;
        }
        self.ports.store.delete(id).await?;
        Ok(())
    }

    /// Deletes every execution that the user has now, as [`delete`](Self::delete) does.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails; some of the executions may be deleted then.
    pub async fn delete_all(&self, user: &UserId) -> Result<(), StoreError> {
        let mut before = None;
        loop {
            let page = Page {
                before,
                limit: PAGE,
            };
            let found = self.ports.store.list(user, page).await?;
            let Some(last) = found.last() else {
                return Ok(());
            };
            before = Some(last.cursor());
            let deleting = found.iter().map(|summary| async move {
                if !summary.status.is_final() {
                    self.stop(summary.id).await?;
                }
                self.ports.store.delete(summary.id).await
            });
            stream::iter(deleting)
                .buffer_unordered(CONCURRENT_DELETIONS)
                .try_for_each(|_| std::future::ready(Ok(())))
                .await?;
        }
    }

    /// Cancels an execution and waits until its program is gone, for [`STOP_TIMEOUT`] at most.
    async fn stop(&self, id: ExecutionId) -> Result<(), StoreError> {
        let since = match self.ports.store.request_cancel(id).await? {
            CancelReply::Requested(execution) => execution.sequence(),
            CancelReply::Ended(_) | CancelReply::AlreadyFinal(_) | CancelReply::Absent => {
                return Ok(());
            }
        };
        let stopped = self.until_final(id, since);
        match tokio::time::timeout(STOP_TIMEOUT, stopped).await {
            Ok(Ok(()) | Err(WatchError::Gone)) => {}
            Ok(Err(WatchError::Unavailable { .. })) | Err(_) => log_not_stopped(id),
        }
        Ok(())
    }

    async fn until_final(&self, id: ExecutionId, since: Sequence) -> Result<(), WatchError> {
        let mut events = self.events(id, since).await?;
        while events.try_next().await?.is_some() {}
        Ok(())
    }
}

fn log_not_stopped(id: ExecutionId) {
    tracing::warn!(execution_id = %id, "deleting an execution whose program may still run; its worker will kill it");
}
