mod final_records;
mod input_and_tickets;
mod random_steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coderun_conformance::{Backend, id, sized};
use coderun_domain::testing::{EVERYONE, ManualClock, finished, store_policy, worker_offer};
use coderun_domain::{
    ByteSize, Event, ExecutionId, Output, OutputChunk, OutputStream, RunEvent, Sequence,
    StoreError, StorePolicy, Submitted, WatchError,
};
use coderun_ledger::{Ledger, LedgerAccess, LedgerCounts};
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};

use super::*;

/// A backend whose guard is the memory itself, for [`counts`].
fn with_config(config: LedgerConfig) -> Backend {
    let clock = Arc::new(ManualClock::default());
    let memory = memory_backend(config, Arc::clone(&clock) as _);
    Backend::over(&memory, clock, config.policy).with_guard(memory)
}

fn new_backend() -> Backend {
    with_config(LedgerConfig::new(store_policy()))
}

fn with_final_bytes(final_bytes_max: ByteSize) -> Backend {
    with_config(LedgerConfig {
        final_bytes_max,
        ..LedgerConfig::new(store_policy())
    })
}

fn with_live_bytes(bytes: u64) -> Backend {
    with_config(LedgerConfig::new(StorePolicy {
        live_bytes_max: ByteSize::from_bytes(bytes),
        ..store_policy()
    }))
}

fn memory_of(backend: &Backend) -> &MemoryBackend {
    backend.guard.downcast_ref().unwrap()
}

fn counts(backend: &Backend) -> LedgerCounts {
    memory_of(backend).access().counts()
}

/// Submits code of so many bytes and nothing else.
async fn submit_sized(
    backend: &Backend,
    number: u32,
    name: &str,
    bytes: usize,
) -> Result<(), StoreError> {
    let execution = backend.draft(number, name, sized(bytes));
    let submitted = backend.submit_with(&execution, None).await?;
    assert_eq!(submitted, Submitted::Accepted);
    Ok(())
}

/// Submits, takes and finishes an execution with so much output.
async fn complete(backend: &Backend, number: u32, name: &str, output_bytes: usize) -> ExecutionId {
    let lease = backend.start(number, name).await;
    let output = Output::complete("x".repeat(output_bytes));
    let outcome = finished().with_output(output, Output::default());
    backend.finish_with(&lease, &outcome).await;
    lease.id()
}

async fn exists(backend: &Backend, id: ExecutionId) -> bool {
    backend.find(id).await.is_some()
}

/// Which of these exist.
async fn all_exist(backend: &Backend, ids: &[ExecutionId]) -> Vec<bool> {
    let found = ids.iter().map(|id| exists(backend, *id));
    join_all(found).await
}

#[tokio::test]
async fn nothing_is_left_of_deleted_executions_in_any_state() {
    let backend = new_backend();
    let mut ids = vec![complete(&backend, 1, "alice", 10).await];
    ids.push(backend.start(2, "bob").await.id());
    let lease = backend.start(3, "carol").await;
    backend.release(&lease).await;
    ids.push(lease.id());
    ids.push(backend.submit(4, "dave").await.id());
    ids.push(backend.submit(5, "erin").await.id());
    backend.cancel(id(5)).await;
    assert_eq!(counts(&backend).records, 5);
    for id in ids {
        assert!(backend.delete(id).await);
    }
    assert_eq!(
        counts(&backend).users,
        5,
        "their submissions are counted for a minute"
    );
    backend.advance(Duration::from_mins(1));
    backend.sweep().await;
    assert_eq!(counts(&backend), LedgerCounts::default());
}

#[tokio::test]
async fn nothing_is_left_after_every_deadline() {
    let backend = new_backend();
    complete(&backend, 1, "alice", 10).await;
    let lease = backend.start(2, "bob").await;
    backend.print(&lease, &["half"]).await;
    backend.submit(3, "carol").await;
    for _ in 0..2 {
        backend.advance(store_policy().retention);
        backend.sweep().await;
    }
    assert_eq!(counts(&backend), LedgerCounts::default());
}

#[tokio::test]
async fn an_expired_record_is_gone_before_any_sweep() {
    let backend = new_backend();
    let id = complete(&backend, 1, "alice", 10).await;
    backend.advance(store_policy().retention);
    assert_eq!(backend.list("alice").await, []);
    let watched = backend.notifier.subscribe(id, Sequence::START).await;
    assert!(matches!(watched, Err(WatchError::Gone)));
    assert!(!exists(&backend, id).await);
    assert_eq!(counts(&backend).records, 0);
}

#[tokio::test]
async fn a_taker_misses_no_work_that_arrives_before_it_waits() {
    let backend = new_backend();
    assert_eq!(backend.try_take().await, None);
    backend.submit(1, "alice").await;
    assert!(
        backend
            .queue
            .work_available(EVERYONE)
            .now_or_never()
            .is_some()
    );
    backend.try_take().await.unwrap();
    assert_eq!(backend.try_take().await, None);
    assert!(
        backend
            .queue
            .work_available(EVERYONE)
            .now_or_never()
            .is_none()
    );
}

#[tokio::test]
async fn a_sweep_wakes_takers_for_an_abandoned_execution() {
    let backend = new_backend();
    let lease = backend.start(1, "alice").await;
    assert_eq!(backend.try_take().await, None);
    backend.advance(store_policy().lease);
    backend.sweep().await;
    assert!(
        backend
            .queue
            .work_available(EVERYONE)
            .now_or_never()
            .is_some()
    );
    assert_eq!(backend.try_take().await.unwrap().id(), lease.id());
}

#[tokio::test]
async fn watchers_leave_nothing_behind() {
    let backend = new_backend();
    let lease = backend.start(1, "alice").await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut stream = backend.watch(lease.id(), 2).await;
        assert!(stream.next().now_or_never().is_none());
        streams.push(stream);
    }
    assert_eq!(counts(&backend).listeners, 100);
    streams.truncate(1);
    assert_eq!(counts(&backend).listeners, 1);
    backend.finish(&lease).await;
    let events: Vec<_> = streams.remove(0).collect().await;
    assert_eq!(events.len(), 1);
    assert_eq!(counts(&backend).listeners, 0);
}

#[tokio::test]
async fn a_watcher_does_not_follow_an_id_into_another_record() {
    let backend = new_backend();
    let id = backend.submit(1, "alice").await.id();
    let mut stream = backend.watch(id, 0).await;
    backend.delete(id).await;
    backend.start(1, "alice").await;
    assert!(matches!(stream.next().await, Some(Err(WatchError::Gone))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stored_piece_of_output_holds_no_larger_buffer() {
    let backend = new_backend();
    let lease = backend.start(1, "alice").await;
    let buffer = Bytes::from(vec![b'x'; 1 << 20]);
    let output = RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: buffer.slice(0..1),
        attempt: lease.attempt(),
    });
    let (after, outputs) = (lease.execution().sequence(), [output]);
    let appended = backend.queue.append(&lease, after, &outputs).await;
    appended.unwrap();
    let [output] = outputs;
    let stored = backend.events(lease.id()).await.pop().unwrap();
    assert_eq!(stored.event, Event::from(output));
    assert!(buffer.is_unique(), "the ledger holds a copy");
}

#[tokio::test]
async fn debug_shows_counts_only() {
    let backend = new_backend();
    backend.start(1, "alice").await;
    backend.submit(2, "bob").await;
    let shown = format!("{:?}", memory_of(&backend));
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
    let backend = new_backend();
    let offers: Vec<_> = (0..=1024)
        .map(|number| worker_offer(&format!("w{number}")))
        .collect();
    let lifetime = Duration::from_secs(15);
    for offer in &offers[..1024] {
        backend.registry.announce(offer, lifetime).await.unwrap();
    }
    backend
        .registry
        .announce(&offers[0], lifetime)
        .await
        .unwrap();
    assert!(
        backend
            .registry
            .announce(&offers[1024], lifetime)
            .await
            .is_err()
    );
    backend.advance(lifetime);
    backend
        .registry
        .announce(&offers[1024], lifetime)
        .await
        .unwrap();
    assert_eq!(backend.registry.offers().await.unwrap(), offers[1024..]);
    assert_eq!(counts(&backend).offers, 1);
}

#[tokio::test]
async fn the_steps_of_a_group_run_in_order_and_each_is_answered() {
    let backend = new_backend();
    let ran = Arc::new(AtomicUsize::new(0));
    let steps = (0..3).map(|number| {
        let ran = Arc::clone(&ran);
        move |_: &mut Ledger| (number, ran.fetch_add(1, Ordering::SeqCst))
    });
    let answers = memory_of(&backend)
        .access()
        .apply_all(steps.collect())
        .await;
    assert_eq!(answers.unwrap(), [(0, 0), (1, 1), (2, 2)]);
}
