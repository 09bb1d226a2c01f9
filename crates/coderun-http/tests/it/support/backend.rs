//! Fakes a store and notifier in a map, with switches for failures.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::testing::{
    at, draft, execution_id, finished, interactive_execution, submission, user,
};
use coderun_domain::{
    Attempt, CancelReply, EndedWithoutRun, Event, EventStream, Execution, ExecutionId,
    ExecutionStore, Health, Notifier, Outcome, OutputChunk, OutputStream, Page, QuotaUsage,
    Sequence, Status, StoreError, StoredEvent, SubmitReply, Submitted, Summary, UserId, UserUsage,
    WatchError, WorkerId,
};
use futures_util::stream;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::until;

#[derive(Debug, Clone, Default)]
pub(crate) struct Backend {
    entries: Arc<Mutex<HashMap<ExecutionId, Entry>>>,
    changed: watch::Sender<()>,
    down: Arc<AtomicBool>,
    queue_position: Arc<AtomicU64>,
    queue_position_reads: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
    events_read: Arc<AtomicUsize>,
}

#[derive(Debug, Clone)]
struct Entry {
    execution: Execution,
    events: Vec<StoredEvent>,
}

impl Backend {
    /// A pending execution of `alice`.
    pub(crate) fn pending(&self) -> ExecutionId {
        self.add(execution_id(1), "alice", 0)
    }

    /// A running execution of `alice`.
    pub(crate) fn running(&self) -> ExecutionId {
        let id = self.pending();
        self.start(id);
        id
    }

    /// An execution of `alice` that ended well.
    pub(crate) fn finished(&self) -> ExecutionId {
        let id = self.running();
        self.finish(id, finished());
        id
    }

    /// A running execution of `alice` that takes input.
    pub(crate) fn interactive(&self) -> ExecutionId {
        let execution = interactive_execution();
        let id = execution.id();
        self.insert(execution);
        self.start(id);
        id
    }

    pub(crate) fn add(&self, id: ExecutionId, owner: &str, second: u32) -> ExecutionId {
        let submission = submission(user(owner), draft());
        self.insert(Execution::submit(id, submission, at(second)));
        id
    }

    pub(crate) fn start(&self, id: ExecutionId) {
        let worker = WorkerId::parse("w").unwrap();
        self.change(id, |execution| execution.start(worker, at(1)).unwrap());
    }

    /// Hands the execution over to another worker.
    pub(crate) fn start_again(&self, id: ExecutionId) {
        self.change(id, |execution| execution.release(at(1)).unwrap());
    }

    pub(crate) fn finish(&self, id: ExecutionId, outcome: Outcome) {
        self.change(id, |execution| execution.finish(outcome, at(2)).unwrap());
    }

    /// Appends output of the program.
    pub(crate) fn write(&self, id: ExecutionId, bytes: impl Into<bytes::Bytes>) {
        let chunk = OutputChunk {
            stream: OutputStream::Stdout,
            bytes: bytes.into(),
            attempt: Attempt::from_count(1),
        };
        self.append(id, Event::Output(chunk));
    }

    /// Appends that the program waits for input.
    pub(crate) fn await_input(&self, id: ExecutionId) {
        self.append(id, Event::AwaitingInput(Attempt::from_count(1)));
    }

    /// Sets the queue position of all executions; 0 is none.
    pub(crate) fn set_queue_position(&self, position: u64) {
        self.queue_position.store(position, Ordering::SeqCst);
    }

    /// The number of reads of a queue position.
    pub(crate) fn queue_position_reads(&self) -> usize {
        self.queue_position_reads.load(Ordering::SeqCst)
    }

    /// The number of reads of executions.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// The number of events that watchers have read.
    pub(crate) fn events_read(&self) -> usize {
        self.events_read.load(Ordering::SeqCst)
    }

    /// Whether the execution exists.
    pub(crate) fn contains(&self, id: ExecutionId) -> bool {
        self.entries.lock().contains_key(&id)
    }

    /// Removes the record, as when it expires.
    pub(crate) fn remove(&self, id: ExecutionId) {
        self.entries.lock().remove(&id);
        self.changed.send_replace(());
    }

    /// Makes the backend unreachable, or reachable again.
    pub(crate) fn break_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn execution(&self, id: ExecutionId) -> Execution {
        self.entries.lock().get(&id).unwrap().execution.clone()
    }

    /// The number of open subscriptions.
    pub(crate) fn watchers(&self) -> usize {
        self.changed.receiver_count()
    }

    /// Waits until an execution has this status.
    pub(crate) async fn has_status(&self, id: ExecutionId, status: Status) {
        until(|| self.execution(id).status() == status).await;
    }

    /// Waits until this number of subscriptions is open.
    pub(crate) async fn has_watchers(&self, count: usize) {
        until(|| self.watchers() == count).await;
    }

    fn insert(&self, execution: Execution) {
        let mut entry = Entry {
            execution,
            events: Vec::new(),
        };
        let progress = entry.execution.progress().clone();
        entry.push(Event::Updated(progress));
        self.entries.lock().insert(entry.execution.id(), entry);
        self.changed.send_replace(());
    }

    fn append(&self, id: ExecutionId, event: Event) {
        self.update(id, |entry| {
            entry.execution = entry.execution.clone().count_events(1, at(1)).unwrap();
            entry.push(event);
        });
    }

    fn change(&self, id: ExecutionId, step: impl FnOnce(Execution) -> Execution) {
        self.update(id, |entry| {
            entry.execution = step(entry.execution.clone());
            let progress = entry.execution.progress().clone();
            entry.push(Event::Updated(progress));
        });
    }

    fn update(&self, id: ExecutionId, step: impl FnOnce(&mut Entry)) {
        step(self.entries.lock().get_mut(&id).unwrap());
        self.changed.send_replace(());
    }

    fn check_reachable(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable {
                backend: "fake",
                source: "connection refused".into(),
            });
        }
        Ok(())
    }
}

impl Entry {
    fn push(&mut self, event: Event) {
        let sequence = self.execution.sequence();
        self.events.push(StoredEvent { sequence, event });
    }

    fn after(&self, since: Sequence) -> Option<StoredEvent> {
        let mut later = self.events.iter().filter(|event| event.sequence > since);
        later.next().cloned()
    }
}

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
