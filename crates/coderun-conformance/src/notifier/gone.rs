//! What cannot be watched, or not any more.

use coderun_domain::{EventStream, WatchError};
use futures_util::StreamExt;

use crate::fixtures::{SECOND, drain, drain_events, id, is_waiting, within};
use crate::{Pending, Running};

/// Asserts that a stream ends by saying that the execution is gone, without having told of an end that it never saw.
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

/// Whoever watches an execution when it is deleted is told so, whether it waits for news or is behind.
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

/// Whoever has not read to the end when the record expires is told that it is gone.
pub async fn an_expired_execution_is_gone_for_its_watchers(Running { backend, lease }: Running) {
    let behind = backend.watch(id(1), 0).await;
    backend.print(&lease, &["x"]).await;
    backend.finish(&lease).await;
    backend.advance(backend.policy.retention + SECOND);
    backend.sweep().await;
    assert_gone(behind).await;
}

/// A stream that has told of the end is over: what happens to the record afterwards is not its matter.
pub async fn a_watcher_that_saw_the_end_does_not_see_the_deletion(
    Running { backend, lease }: Running,
) {
    let mut stream = backend.watch(id(1), 2).await;
    backend.finish(&lease).await;
    assert!(within(stream.next()).await.unwrap().is_ok());
    assert!(backend.delete(id(1)).await);
    assert_eq!(drain_events(stream).await, []);
}
