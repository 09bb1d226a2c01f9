//! Checks queue positions.

use crate::fixtures::{id, written_in};
use crate::{Backend, Pending};

async fn position(backend: &Backend, number: u32) -> Option<u64> {
    backend.store.queue_position(id(number)).await.unwrap()
}

/// An execution that is pending alone is taken next.
pub async fn a_single_pending_execution_is_first(Pending(backend): Pending) {
    assert_eq!(position(&backend, 1).await, Some(1));
    let lease = backend.take().await;
    backend.release(&lease).await;
    assert_eq!(position(&backend, 1).await, Some(1));
}

/// The executions of one user are taken in the order of their submission, and their positions show it.
pub async fn positions_of_one_user_follow_the_submissions(backend: Backend) {
    backend.submit_all([5, 3, 9, 1], "alice").await;
    for (expected, number) in (1..).zip([5, 3, 9, 1]) {
        assert_eq!(position(&backend, number).await, Some(expected));
    }
}

/// When an execution is taken, cancelled or deleted, those behind it move up; those before it stay.
pub async fn executions_behind_move_up(backend: Backend) {
    backend.submit_all(1..=6, "alice").await;
    assert_eq!(position(&backend, 6).await, Some(6));
    backend.take().await;
    assert_eq!(position(&backend, 6).await, Some(5));
    backend.cancel(id(4)).await;
    assert_eq!(position(&backend, 6).await, Some(4));
    assert_eq!(position(&backend, 3).await, Some(2));
    backend.delete(id(3)).await;
    assert_eq!(position(&backend, 6).await, Some(3));
    for expected in [2, 1] {
        backend.take().await;
        assert_eq!(position(&backend, 6).await, Some(expected));
    }
}

/// The only execution of a user stands before the many of a user who came earlier.
pub async fn positions_follow_the_turns_of_users(backend: Backend) {
    backend.submit_all(1..=10, "alice").await;
    backend.submit(11, "bob").await;
    let of_bob = position(&backend, 11).await.unwrap();
    let of_alice = position(&backend, 10).await.unwrap();
    assert!(of_bob < of_alice, "{of_bob}, {of_alice}");
    assert!(of_bob <= 2, "{of_bob}");
}

/// An execution that runs, has ended, was deleted or never existed has no position.
pub async fn only_pending_executions_have_a_position(backend: Backend) {
    assert_eq!(position(&backend, 1).await, None);
    let lease = backend.start(1, "alice").await;
    assert_eq!(position(&backend, 1).await, None);
    backend.finish(&lease).await;
    assert_eq!(position(&backend, 1).await, None);
    backend.submit(2, "alice").await;
    backend.cancel(id(2)).await;
    assert_eq!(position(&backend, 2).await, None);
    backend.submit(3, "alice").await;
    backend.delete(id(3)).await;
    assert_eq!(position(&backend, 3).await, None);
}

/// However the position is estimated, it is at most the number of pending executions.
pub async fn no_position_exceeds_the_number_of_pending_executions(backend: Backend) {
    const WAITING: u32 = 30;
    for number in 1..=WAITING {
        let name = ["alice", "bob", "alice", "carol", "alice"][number as usize % 5];
        let language = ["python", "c"][number as usize % 2];
        backend
            .submit_draft(number, name, written_in(language))
            .await;
    }
    for taken in 0..WAITING {
        let left = u64::from(WAITING - taken);
        for number in 1..=WAITING {
            if let Some(position) = position(&backend, number).await {
                assert!((1..=left).contains(&position), "{position} of {left}");
            }
        }
        backend.take().await;
    }
}
