//! Checks hints: a worker that waits for work is woken when there is some.

use coderun_domain::Lease;
use coderun_domain::testing::EVERYONE;

use crate::fixtures::{id, waiting, within};
use crate::{Backend, Running, Setup};

/// Finds nothing to take, begins to wait, lets `cause` happen, and is woken in time to take something.
async fn assert_wakes(backend: &Backend, cause: impl AsyncFnOnce()) -> Lease {
    let queue = &backend.queue;
    let mut woken = None;
    for _ in 0..10 {
        // A hint may still be due for an earlier step; it answers to that first.
        assert_eq!(backend.try_take().await, None);
        woken = Some(waiting(|| queue.work_available(EVERYONE)).await);
    }
    cause().await;
    within(woken.unwrap()).await;
    backend.take().await
}

/// A taker that found nothing is woken by a submission.
pub async fn a_submission_wakes_a_taker(backend: Backend) {
    let submit = async || {
        backend.submit(1, "alice").await;
    };
    assert_eq!(assert_wakes(&backend, submit).await.id(), id(1));
}

/// A taker that found nothing is woken when another worker gives an execution back.
pub async fn a_release_wakes_a_taker(Running { backend, lease }: Running) {
    let release = async || backend.release(&lease).await;
    assert_eq!(assert_wakes(&backend, release).await.id(), id(1));
}

/// A taker that found nothing, because a user had as many running as allowed, is woken when one of them ends.
pub async fn a_run_that_ends_wakes_a_taker(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 1).await;
    let lease = backend.start(1, "alice").await;
    backend.submit(2, "alice").await;
    let finish = async || backend.finish(&lease).await;
    assert_eq!(assert_wakes(&backend, finish).await.id(), id(2));
    backend.submit(3, "alice").await;
    let delete = async || assert!(backend.delete(id(2)).await);
    assert_eq!(assert_wakes(&backend, delete).await.id(), id(3));
}

/// Waiting for a hint can be given up at any time: another taker is woken as if nothing had been.
pub async fn a_cancelled_wait_for_work_loses_no_wakeup(Running { backend, lease }: Running) {
    for _ in 0..100 {
        assert_eq!(backend.try_take().await, None);
        drop(waiting(|| backend.queue.work_available(EVERYONE)).await);
        drop(waiting(|| backend.queue.cancel_requested(&lease)).await);
    }
    let submit = async || {
        backend.submit(2, "alice").await;
    };
    assert_eq!(assert_wakes(&backend, submit).await.id(), id(2));
    let woken = waiting(|| backend.queue.cancel_requested(&lease)).await;
    backend.cancel(id(1)).await;
    within(woken).await;
}
