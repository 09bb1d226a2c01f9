//! Fakes a store and notifier in a map, with switches for failures.

mod ports;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use coderun_domain::testing::{
    at, draft, execution_id, finished, interactive_execution, submission, user,
};
use coderun_domain::{
    Attempt, Event, Execution, ExecutionId, Outcome, OutputChunk, OutputStream, Sequence, Status,
    StoreError, StoredEvent, WorkerId,
};
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
