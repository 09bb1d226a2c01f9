mod input_and_tickets;
mod random_steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{
    ManualClock, draft, execution_id, finished, language, store_policy, submission, user,
    worker_offer,
};
use coderun_domain::{
    ByteSize, Event, Execution, ExecutionId, ExecutionQueue, ExecutionStore, Lease, Notifier,
    Output, OutputChunk, OutputStream, Page, Quota, RunEvent, Sequence, StoreError, StorePolicy,
    StoredEvent, SubmissionDraft, Submitted, WatchError, WorkerId, WorkerRegistry,
};
use coderun_ledger::{Ledger, LedgerAccess, LedgerCounts};
use futures_util::{FutureExt, StreamExt};

use super::*;

/// A backend and its clock.
struct TestBackend {
    memory: MemoryBackend,
    clock: Arc<ManualClock>,
}

impl TestBackend {
    fn new() -> Self {
        Self::with_final_bytes(ByteSize::from_mib(256))
    }

    fn with_final_bytes(final_bytes_max: ByteSize) -> Self {
        Self::with_config(LedgerConfig {
            final_bytes_max,
            ..LedgerConfig::new(store_policy())
        })
    }

    fn with_live_bytes(bytes: u64) -> Self {
        Self::with_config(LedgerConfig::new(StorePolicy {
            live_bytes_max: ByteSize::from_bytes(bytes),
            ..store_policy()
        }))
    }

    fn with_config(config: LedgerConfig) -> Self {
        let clock = Arc::new(ManualClock::default());
        let memory = memory_backend(config, Arc::clone(&clock) as _);
        Self { memory, clock }
    }

    /// Submits code of so many bytes and nothing else.
    async fn submit_sized(&self, number: u32, name: &str, bytes: usize) -> Result<(), StoreError> {
        let draft = SubmissionDraft {
            code: "x".repeat(bytes),
            input: String::new(),
            ..draft()
        };
        let submission = submission(user(name), draft);
        let execution =
            Execution::submit(execution_id(number.into()), submission, self.clock.now());
        let submitted = self.memory.submit(&execution).await?;
        assert_eq!(submitted, Submitted::Accepted);
        Ok(())
    }

    async fn submit(&self, number: u32, name: &str) -> ExecutionId {
        let id = execution_id(number.into());
        let submission = submission(user(name), draft());
        let execution = Execution::submit(id, submission, self.clock.now());
        let submitted = self.memory.submit(&execution).await.unwrap();
        assert_eq!(submitted, Submitted::Accepted);
        id
    }

    async fn try_take(&self) -> Option<Lease> {
        let worker = WorkerId::parse("worker").unwrap();
        let languages = [language("python")];
        self.memory.take(&worker, &languages).await.unwrap()
    }

    async fn start(&self, number: u32, name: &str) -> Lease {
        self.submit(number, name).await;
        self.try_take().await.unwrap()
    }

    async fn complete(&self, number: u32, output_bytes: usize) -> ExecutionId {
        self.complete_as("alice", number, output_bytes).await
    }

    async fn complete_as(&self, name: &str, number: u32, output_bytes: usize) -> ExecutionId {
        let lease = self.start(number, name).await;
        let output = Output::complete("x".repeat(output_bytes));
        let outcome = finished().with_output(output, Output::default());
        self.memory.finish(&lease, &outcome).await.unwrap();
        lease.id()
    }

    async fn exists(&self, id: ExecutionId) -> bool {
        self.memory.get(id).await.unwrap().is_some()
    }

    async fn append(&self, lease: &Lease, bytes: Bytes) {
        let event = RunEvent::from(OutputChunk {
            stream: OutputStream::Stdout,
            bytes,
            attempt: lease.attempt(),
        });
        let after = lease.execution().sequence();
        let appended = self.memory.append(lease, after, &[event]).await;
        appended.unwrap();
    }

    fn counts(&self) -> LedgerCounts {
        self.memory.access().counts()
    }
}

#[tokio::test]
async fn nothing_is_left_of_deleted_executions_in_any_state() {
    let backend = TestBackend::new();
    let mut ids = vec![backend.complete(1, 10).await];
    ids.push(backend.start(2, "bob").await.id());
    let lease = backend.start(3, "carol").await;
    backend.memory.release(&lease).await.unwrap();
    ids.push(lease.id());
    ids.push(backend.submit(4, "dave").await);
    ids.push(backend.submit(5, "erin").await);
    backend
        .memory
        .request_cancel(execution_id(5))
        .await
        .unwrap();
    assert_eq!(backend.counts().records, 5);
    for id in ids {
        assert!(backend.memory.delete(id).await.unwrap());
    }
    assert_eq!(
        backend.counts().users,
        5,
        "their submissions are counted for a minute"
    );
    backend.clock.advance(Duration::from_mins(1));
    backend.memory.sweep().await.unwrap();
    assert_eq!(backend.counts(), LedgerCounts::default());
}

#[tokio::test]
async fn nothing_is_left_after_every_deadline() {
    let backend = TestBackend::new();
    backend.complete(1, 10).await;
    let lease = backend.start(2, "bob").await;
    backend.append(&lease, Bytes::from_static(b"half")).await;
    backend.submit(3, "carol").await;
    for _ in 0..2 {
        backend.clock.advance(store_policy().retention);
        backend.memory.sweep().await.unwrap();
    }
    assert_eq!(backend.counts(), LedgerCounts::default());
}

#[tokio::test]
async fn an_expired_record_is_gone_before_any_sweep() {
    let backend = TestBackend::new();
    let id = backend.complete(1, 10).await;
    backend.clock.advance(store_policy().retention);
    let page = Page {
        before: None,
        limit: 10,
    };
    let list = backend.memory.list(&user("alice"), page).await.unwrap();
    assert_eq!(list, []);
    let watched = backend.memory.subscribe(id, Sequence::START).await;
    assert!(matches!(watched, Err(WatchError::Gone)));
    assert!(!backend.exists(id).await);
    assert_eq!(backend.counts().records, 0);
}

#[tokio::test]
async fn the_oldest_final_records_make_room_for_the_latest() {
    let backend = TestBackend::with_final_bytes(ByteSize::from_kib(64));
    let waiting = backend.submit(100, "alice").await;
    backend.memory.request_cancel(waiting).await.unwrap();
    let mut ids = Vec::new();
    for number in 1..=10 {
        backend.clock.advance(Duration::from_secs(1));
        ids.push(backend.complete(number, 15 << 10).await);
    }
    assert!(!backend.exists(waiting).await);
    let mut kept = Vec::new();
    for id in &ids {
        kept.push(backend.exists(*id).await);
    }
    assert_eq!(kept, [vec![false; 7], vec![true; 3]].concat());
    assert!(backend.counts().final_bytes <= 64 << 10);
}

#[tokio::test]
async fn a_user_with_much_output_loses_their_own_records_first() {
    let backend = TestBackend::with_final_bytes(ByteSize::from_kib(64));
    let of_bob = backend.complete_as("bob", 100, 1 << 10).await;
    let mut of_alice = Vec::new();
    for number in 1..=10 {
        backend.clock.advance(Duration::from_secs(1));
        of_alice.push(backend.complete_as("alice", number, 15 << 10).await);
    }
    let mut kept = Vec::new();
    for id in &of_alice {
        kept.push(backend.exists(*id).await);
    }
    assert_eq!(kept, [vec![false; 7], vec![true; 3]].concat());
    assert!(backend.exists(of_bob).await);
    let of_carol = backend.complete_as("carol", 101, 15 << 10).await;
    assert!(backend.exists(of_carol).await && backend.exists(of_bob).await);
    assert!(!backend.exists(of_alice[7]).await, "alice makes room");
    assert!(backend.counts().final_bytes <= 64 << 10);
}

#[tokio::test]
async fn one_users_large_submissions_do_not_fill_the_store_for_others() {
    let backend = TestBackend::with_live_bytes(1000);
    for number in [1, 2] {
        backend.submit_sized(number, "alice", 125).await.unwrap();
    }
    assert_share_used_up(backend.submit_sized(3, "alice", 1).await, 2);
    for (number, name) in [(4, "bob"), (5, "carol"), (6, "dave")] {
        backend.submit_sized(number, name, 250).await.unwrap();
    }
    let full = backend.submit_sized(7, "erin", 1).await;
    assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
}

#[tokio::test]
async fn a_running_execution_counts_against_its_users_share_until_it_ends() {
    let backend = TestBackend::with_live_bytes(1000);
    for number in [1, 2] {
        backend.submit_sized(number, "alice", 125).await.unwrap();
    }
    let lease = backend.try_take().await.unwrap();
    assert_share_used_up(backend.submit_sized(3, "alice", 1).await, 1);
    backend.memory.release(&lease).await.unwrap();
    assert_share_used_up(backend.submit_sized(3, "alice", 1).await, 2);
    let lease = backend.try_take().await.unwrap();
    backend.memory.finish(&lease, &finished()).await.unwrap();
    backend.submit_sized(3, "alice", 125).await.unwrap();
    assert_share_used_up(backend.submit_sized(4, "alice", 1).await, 2);
}

#[tokio::test]
async fn a_user_with_nothing_alive_may_submit_more_than_their_share() {
    let backend = TestBackend::with_live_bytes(1000);
    backend.complete(1, 0).await;
    backend.submit_sized(2, "alice", 600).await.unwrap();
    assert_share_used_up(backend.submit_sized(3, "alice", 1).await, 1);
    let full = backend.submit_sized(4, "bob", 401).await;
    assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    backend.submit_sized(4, "bob", 400).await.unwrap();
}

/// Asserts that a user was refused who has as many waiting as their share allows.
fn assert_share_used_up(result: Result<(), StoreError>, waiting: u32) {
    match result {
        Err(StoreError::QuotaExceeded {
            quota: Quota::Pending,
            limit,
            retry_after,
        }) => {
            assert_eq!(limit, waiting);
            assert!(retry_after > Duration::ZERO);
        }
        other => panic!("the share is not used up: {other:?}"),
    }
}

#[tokio::test]
async fn stored_output_counts_as_much_as_the_outcome() {
    let backend = TestBackend::with_final_bytes(ByteSize::from_kib(64));
    let small = backend.complete(1, 0).await;
    let lease = backend.start(2, "alice").await;
    let large = Bytes::from(vec![b'x'; 64 << 10]);
    backend.append(&lease, large).await;
    assert!(backend.exists(small).await);
    backend.memory.finish(&lease, &finished()).await.unwrap();
    assert!(!backend.exists(small).await);
}

#[tokio::test]
async fn live_executions_and_the_latest_final_one_are_never_evicted() {
    let backend = TestBackend::with_final_bytes(ByteSize::from_bytes(1));
    let running = backend.start(1, "bob").await;
    let waiting = backend.submit(2, "bob").await;
    let carol = backend.submit(3, "carol").await;
    backend.memory.request_cancel(carol).await.unwrap();
    assert!(backend.exists(carol).await);
    backend.memory.finish(&running, &finished()).await.unwrap();
    assert!(!backend.exists(carol).await);
    assert!(backend.exists(running.id()).await);
    assert!(backend.exists(waiting).await);
}

#[tokio::test]
async fn empty_records_are_bounded_too() {
    let backend = TestBackend::with_final_bytes(ByteSize::from_kib(20));
    for number in 1..=100 {
        let id = backend.submit(number, "alice").await;
        backend.memory.request_cancel(id).await.unwrap();
    }
    assert!(backend.counts().records <= 20);
}

#[tokio::test]
async fn a_taker_misses_no_work_that_arrives_before_it_waits() {
    let backend = TestBackend::new();
    assert_eq!(backend.try_take().await, None);
    backend.submit(1, "alice").await;
    assert!(backend.memory.work_available().now_or_never().is_some());
    backend.try_take().await.unwrap();
    assert_eq!(backend.try_take().await, None);
    assert!(backend.memory.work_available().now_or_never().is_none());
}

#[tokio::test]
async fn a_sweep_wakes_takers_for_an_abandoned_execution() {
    let backend = TestBackend::new();
    let lease = backend.start(1, "alice").await;
    assert_eq!(backend.try_take().await, None);
    backend.clock.advance(store_policy().lease);
    backend.memory.sweep().await.unwrap();
    assert!(backend.memory.work_available().now_or_never().is_some());
    assert_eq!(backend.try_take().await.unwrap().id(), lease.id());
}

#[tokio::test]
async fn the_worker_of_a_deleted_execution_is_woken() {
    let backend = TestBackend::new();
    let lease = backend.start(1, "alice").await;
    let mut woken = backend.memory.cancel_requested(&lease);
    assert!((&mut woken).now_or_never().is_none());
    backend.memory.delete(lease.id()).await.unwrap();
    assert!(woken.now_or_never().is_some());
}

#[tokio::test]
async fn watchers_leave_nothing_behind() {
    let backend = TestBackend::new();
    let lease = backend.start(1, "alice").await;
    let since = lease.execution().sequence();
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut stream = backend.memory.subscribe(lease.id(), since).await.unwrap();
        assert!(stream.next().now_or_never().is_none());
        streams.push(stream);
    }
    assert_eq!(backend.counts().listeners, 100);
    streams.truncate(1);
    assert_eq!(backend.counts().listeners, 1);
    backend.memory.finish(&lease, &finished()).await.unwrap();
    let events: Vec<_> = streams.remove(0).collect().await;
    assert_eq!(events.len(), 1);
    assert_eq!(backend.counts().listeners, 0);
}

#[tokio::test]
async fn a_watcher_does_not_follow_an_id_into_another_record() {
    let backend = TestBackend::new();
    let id = backend.submit(1, "alice").await;
    let mut stream = backend.memory.subscribe(id, Sequence::START).await.unwrap();
    backend.memory.delete(id).await.unwrap();
    backend.start(1, "alice").await;
    assert!(matches!(stream.next().await, Some(Err(WatchError::Gone))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stored_piece_of_output_holds_no_larger_buffer() {
    let backend = TestBackend::new();
    let lease = backend.start(1, "alice").await;
    let buffer = Bytes::from(vec![b'x'; 1 << 20]);
    backend.append(&lease, buffer.slice(0..1)).await;
    let since = lease.execution().sequence();
    let mut stream = backend.memory.subscribe(lease.id(), since).await.unwrap();
    let Some(Ok(StoredEvent {
        event: Event::Output(chunk),
        ..
    })) = stream.next().await
    else {
        panic!("there is output");
    };
    assert_eq!(chunk.bytes, buffer.slice(0..1));
    assert!(buffer.is_unique(), "the ledger holds a copy");
}

#[tokio::test]
async fn debug_shows_counts_only() {
    let backend = TestBackend::new();
    backend.start(1, "alice").await;
    backend.submit(2, "bob").await;
    let shown = format!("{:?}", backend.memory);
    assert!(
        shown.contains("records: 2, pending: 1, running: 1"),
        "{shown}"
    );
    for secret in ["alice", "print", "the input", "00000000"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn one_worker_too_many_is_refused_until_another_offer_ends() {
    let TestBackend { memory, clock } = TestBackend::new();
    let offers: Vec<_> = (0..=1024)
        .map(|number| worker_offer(&format!("w{number}")))
        .collect();
    let lifetime = Duration::from_secs(15);
    for offer in &offers[..1024] {
        memory.announce(offer, lifetime).await.unwrap();
    }
    memory.announce(&offers[0], lifetime).await.unwrap();
    assert!(memory.announce(&offers[1024], lifetime).await.is_err());
    clock.advance(lifetime);
    memory.announce(&offers[1024], lifetime).await.unwrap();
    assert_eq!(memory.offers().await.unwrap(), offers[1024..]);
    assert_eq!(memory.access().counts().offers, 1);
}

#[tokio::test]
async fn the_steps_of_a_group_run_in_order_and_each_is_answered() {
    let backend = TestBackend::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let steps = (0..3).map(|number| {
        let ran = Arc::clone(&ran);
        move |_: &mut Ledger, _| (number, ran.fetch_add(1, Ordering::SeqCst))
    });
    let answers = backend.memory.access().apply_all(steps.collect()).await;
    assert_eq!(answers.unwrap(), [(0, 0), (1, 1), (2, 2)]);
}
