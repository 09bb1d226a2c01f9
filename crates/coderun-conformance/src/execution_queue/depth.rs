//! Checks the numbers of pending and running executions.

use coderun_domain::QueueDepth;

use crate::Backend;
use crate::fixtures::id;

async fn assert_depth(backend: &Backend, pending: u64, running: u64) {
    let depth = backend.queue.depth().await.unwrap();
    assert_eq!(depth, QueueDepth { pending, running });
}

/// At first nothing waits and nothing runs.
pub async fn an_empty_queue_has_no_depth(backend: Backend) {
    assert_depth(&backend, 0, 0).await;
}

/// Everything that waits or runs is counted, whosever it is.
pub async fn pending_and_running_executions_are_counted(backend: Backend) {
    for (number, name) in (1..).zip(["alice", "bob", "alice", "carol"]) {
        backend.submit(number, name).await;
        assert_depth(&backend, number.into(), 0).await;
    }
    backend.take().await;
    let lease = backend.take().await;
    assert_depth(&backend, 2, 2).await;
    backend.release(&lease).await;
    assert_depth(&backend, 3, 1).await;
}

/// Finished, cancelled, deleted and forcibly ended executions are neither waiting nor running.
pub async fn ended_executions_are_not_counted(backend: Backend) {
    backend.finish(&backend.start(1, "alice").await).await;
    assert_depth(&backend, 0, 0).await;
    backend.submit(2, "alice").await;
    backend.cancel(id(2)).await;
    assert_depth(&backend, 0, 0).await;
    backend.start(3, "alice").await;
    backend.submit(4, "alice").await;
    assert_depth(&backend, 1, 1).await;
    backend.delete(id(3)).await;
    backend.delete(id(4)).await;
    assert_depth(&backend, 0, 0).await;
    backend.start(5, "alice").await;
    backend.submit(6, "alice").await;
    backend.advance(backend.policy.queue_deadline);
    backend.sweep().await;
    assert_depth(&backend, 0, 0).await;
}

/// A repeated step and a takeover count once.
pub async fn repeated_steps_are_counted_once(backend: Backend) {
    let execution = backend.submit(1, "alice").await;
    backend.store.submit(&execution, None).await.unwrap();
    assert_depth(&backend, 1, 0).await;
    backend.take().await;
    backend.advance(backend.policy.lease * 2);
    let lease = backend.take_as("worker-2").await.unwrap();
    assert_depth(&backend, 0, 1).await;
    for _ in 0..2 {
        backend.finish(&lease).await;
    }
    assert_depth(&backend, 0, 0).await;
}
