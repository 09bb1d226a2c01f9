//! Implements the ports of the fake backend.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    Attempt, CancelReply, EndedWithoutRun, EventStream, Execution, ExecutionId, ExecutionStore,
    Health, Notifier, Outcome, Page, QuotaUsage, Sequence, Status, StoreError, StoredEvent,
    SubmitReply, Submitted, Summary, UserId, UserUsage, WatchError, WorkerId,
};
use futures_util::stream;
use tokio::sync::watch;

use super::Backend;

#[async_trait]
impl ExecutionStore for Backend {
    async fn submit(
        &self,
        execution: &Execution,
        _offer: Option<WorkerId>,
    ) -> Result<SubmitReply, StoreError> {
        self.check_reachable()?;
        let stored = self.entries.lock().get(&execution.id()).cloned();
        let submitted = if let Some(entry) = stored {
            Submitted::AlreadyExists(Box::new(entry.execution))
        } else {
            self.insert(execution.clone());
            Submitted::Accepted
        };
        let usage = self.usage(execution.submission().user()).await?.quotas;
        Ok(SubmitReply { submitted, usage })
    }

    /// Each execution counts as submitted 20 seconds ago.
    async fn usage(&self, user: &UserId) -> Result<UserUsage, StoreError> {
        self.check_reachable()?;
        let count = |is_own: bool, status| {
            let entries = self.entries.lock();
            let all = entries.values().map(|entry| &entry.execution);
            let all = all.filter(|it| (it.submission().user() == user) == is_own);
            u32::try_from(all.filter(|it| it.status() == status).count()).unwrap()
        };
        let (pending, running) = (count(true, Status::Pending), count(true, Status::Running));
        let submits = pending + running;
        let seconds = if submits > 0 { 40 } else { 0 };
        Ok(UserUsage {
            quotas: QuotaUsage {
                submits,
                submits_reset: Duration::from_secs(seconds),
                pending,
            },
            running,
            live_bytes: 1000 * u64::from(submits),
            others_pending: count(false, Status::Pending).into(),
            others_live_bytes: 1000 * u64::from(count(false, Status::Pending)),
        })
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.check_reachable()?;
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(self
            .entries
            .lock()
            .get(&id)
            .map(|entry| entry.execution.clone()))
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        self.check_reachable()?;
        let entries = self.entries.lock();
        let mut list: Vec<Summary> = entries
            .values()
            .filter(|entry| entry.execution.submission().user() == user)
            .map(|entry| Summary::from(&entry.execution))
            .filter(|summary| page.before.is_none_or(|before| summary.cursor() < before))
            .collect();
        list.sort_by_key(|summary| std::cmp::Reverse(summary.cursor()));
        list.truncate(page.limit);
        Ok(list)
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        self.check_reachable()?;
        let execution = self.execution(id);
        if execution.status().is_final() {
            return Ok(CancelReply::AlreadyFinal(Box::new(execution)));
        }
        if execution.attempt() > Attempt::NONE {
            return Ok(CancelReply::Requested(Box::new(execution)));
        }
        let outcome = Outcome::without_run(EndedWithoutRun::Cancelled, "It was cancelled");
        self.finish(id, outcome);
        Ok(CancelReply::Ended(Box::new(self.execution(id))))
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        self.check_reachable()?;
        let found = self.entries.lock().remove(&id).is_some();
        self.changed.send_replace(());
        Ok(found)
    }

    async fn queue_position(&self, _id: ExecutionId) -> Result<Option<u64>, StoreError> {
        self.check_reachable()?;
        self.queue_position_reads.fetch_add(1, Ordering::SeqCst);
        let position = self.queue_position.load(Ordering::SeqCst);
        Ok((position > 0).then_some(position))
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.check_reachable()?;
        Ok(Health::Good)
    }
}

#[async_trait]
impl Notifier for Backend {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(WatchError::Unavailable {
                backend: "fake",
                source: "connection refused".into(),
            });
        }
        let reader = Reader {
            backend: self.clone(),
            changes: self.changed.subscribe(),
            id,
            since: Some(since),
        };
        Ok(Box::pin(stream::unfold(reader, Reader::next)))
    }
}

/// Reads the events of one execution after `since`, which is `None` after the last event.
struct Reader {
    backend: Backend,
    changes: watch::Receiver<()>,
    id: ExecutionId,
    since: Option<Sequence>,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<StoredEvent, WatchError>, Self)> {
        let since = self.since?;
        loop {
            self.changes.mark_unchanged();
            let entry = self.backend.entries.lock().get(&self.id).cloned();
            let Some(entry) = entry else {
                self.since = None;
                return Some((Err(WatchError::Gone), self));
            };
            if let Some(event) = entry.after(since) {
                self.since = Some(event.sequence);
                self.backend.events_read.fetch_add(1, Ordering::SeqCst);
                return Some((Ok(event), self));
            }
            if entry.execution.status().is_final() {
                return None;
            }
            self.changes.changed().await.ok()?;
        }
    }
}
