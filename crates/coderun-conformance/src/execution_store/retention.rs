//! Checks how long records are kept.

use std::time::Duration;

use coderun_domain::{CancelReply, Status};

use crate::fixtures::{SECOND, id, numbers};
use crate::{Backend, Setup};

/// A final record is kept for its retention. Then a sweep deletes it everywhere, and counts it.
pub async fn a_final_record_is_kept_for_its_retention_and_no_longer(backend: Backend) {
    let ended = backend.complete(1, "alice").await;
    backend.advance(backend.policy.retention - SECOND);
    assert_eq!(backend.sweep().await.expired, 0);
    assert_eq!(backend.get(id(1)).await, ended);
    assert_eq!(backend.list("alice").await.len(), 1);
    backend.advance(SECOND * 2);
    assert_eq!(backend.sweep().await.expired, 1);
    assert_eq!(backend.find(id(1)).await, None);
    assert_eq!(backend.list("alice").await, []);
    assert_eq!(backend.cancel(id(1)).await, CancelReply::Absent);
    backend.assert_unwatchable(id(1)).await;
    assert!(!backend.delete(id(1)).await);
    assert_eq!(backend.sweep().await.expired, 0);
}

/// The retention begins with the last change, not with the submission.
pub async fn every_change_restarts_the_retention(setup: Setup) {
    let backend = setup
        .with(|policy| policy.retention = Duration::from_mins(1))
        .await;
    backend.submit(1, "alice").await;
    backend.advance(Duration::from_secs(50));
    let lease = backend.take().await;
    backend.advance(Duration::from_secs(20));
    backend.finish(&lease).await;
    backend.advance(Duration::from_secs(59));
    backend.sweep().await;
    assert_eq!(backend.get(id(1)).await.status(), Status::Completed);
    backend.advance(SECOND * 2);
    backend.sweep().await;
    assert_eq!(backend.find(id(1)).await, None);
}

/// However short the retention is, nothing that waits or runs is deleted.
pub async fn a_live_execution_outlives_the_retention(setup: Setup) {
    let backend = setup.with(|policy| policy.retention = SECOND).await;
    backend.submit(1, "alice").await;
    backend.advance(Duration::from_mins(5));
    assert_eq!(backend.sweep().await.expired, 0);
    assert_eq!(backend.get(id(1)).await.status(), Status::Pending);
    let lease = backend.take().await;
    for _ in 0..10 {
        backend.advance(SECOND * 2);
        backend.renew(&lease).await;
        assert_eq!(backend.sweep().await.expired, 0);
    }
    backend.print(&lease, &["still here"]).await;
    backend.finish(&lease).await;
    assert_eq!(backend.list("alice").await.len(), 1);
    assert_eq!(numbers(&backend.events(id(1)).await), [1, 2, 3, 4]);
}

/// An expired id that is submitted again is a new execution.
pub async fn an_expired_id_may_be_submitted_again(backend: Backend) {
    backend.complete(1, "alice").await;
    backend.advance(backend.policy.retention + SECOND);
    backend.sweep().await;
    let new = backend.submit(1, "alice").await;
    assert_eq!(backend.get(id(1)).await, new);
    assert_eq!(numbers(&backend.events(id(1)).await), [1]);
    assert_eq!(backend.take().await.id(), id(1));
}
