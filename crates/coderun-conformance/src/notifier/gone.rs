//! Checks that executions which are deleted or unknown cannot be watched.

use coderun_domain::{EventStream, WatchError};
use futures_util::StreamExt;

use crate::fixtures::{SECOND, drain, drain_events, id, is_waiting, within};
use crate::{Pending, Running};

/// Asserts that a stream ends with `Gone`, and has no other error before.
async fn assert_gone(stream: EventStream) {
    let mut items = drain(stream).await;
    let last = items.pop();
    assert!(matches!(last, Some(Err(WatchError::Gone))), "{last:?}");
    assert!(items.iter().all(Result::is_ok), "one error ends a stream");
}

/// There is no stream for an id that was never submitted.
pub async fn an_unknown_execution_cannot_be_watched(Pending(backend): Pending) {
    backend.assert_unwatchable(id(2)).await;
}

/// A watcher of an execution that is deleted gets `Gone`, whether it waits for events or is behind.
pub async fn a_deleted_execution_is_gone_for_its_watchers(Running { backend, lease }: Running) {
    let mut waits = backend.watch(id(1), 2).await;
    assert!(is_waiting(&mut waits.next()).await);
    let behind = backend.watch(id(1), 0).await;
    backend.print(&lease, &["x"]).await;
    assert!(backend.delete(id(1)).await);
    assert_gone(waits).await;
    assert_gone(behind).await;
    backend.submit(2, "alice").await;
    let mut waits = backend.watch(id(2), 1).await;
    assert!(is_waiting(&mut waits.next()).await);
    let watcher = async { assert_gone(waits).await };
    let deletion = async { assert!(backend.delete(id(2)).await) };
    within(async { tokio::join!(watcher, deletion) }).await;
}

/// A watcher that has not read to the end when the record expires gets `Gone`.
pub async fn an_expired_execution_is_gone_for_its_watchers(Running { backend, lease }: Running) {
    let behind = backend.watch(id(1), 0).await;
    backend.print(&lease, &["x"]).await;
    backend.finish(&lease).await;
    backend.advance(backend.policy.retention + SECOND);
    backend.sweep().await;
    assert_gone(behind).await;
}

/// A stream that has delivered the final event is over: a later deletion of the record does not affect it.
pub async fn a_stream_after_the_final_event_ignores_the_deletion(
    Running { backend, lease }: Running,
) {
    let mut stream = backend.watch(id(1), 2).await;
    backend.finish(&lease).await;
    assert!(within(stream.next()).await.unwrap().is_ok());
    assert!(backend.delete(id(1)).await);
    assert_eq!(drain_events(stream).await, []);
}
