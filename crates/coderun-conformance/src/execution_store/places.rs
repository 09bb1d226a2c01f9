//! Places among what waits.

use crate::fixtures::{id, written_in};
use crate::{Backend, Pending};

async fn place(backend: &Backend, number: u32) -> Option<u64> {
    backend.store.queue_position(id(number)).await.unwrap()
}

/// Whoever waits alone is served next.
pub async fn the_only_one_is_the_first(Pending(backend): Pending) {
    assert_eq!(place(&backend, 1).await, Some(1));
    let lease = backend.take().await;
    backend.release(&lease).await;
    assert_eq!(place(&backend, 1).await, Some(1));
}

/// One user's executions are served in the order of their submission, and that is how they stand.
pub async fn the_executions_of_one_user_stand_in_their_order(backend: Backend) {
    backend.submit_all([5, 3, 9, 1], "alice").await;
    for (expected, number) in (1..).zip([5, 3, 9, 1]) {
        assert_eq!(place(&backend, number).await, Some(expected));
    }
}

/// With each one that is taken, cancelled or deleted those behind it move up; those before it stay.
pub async fn those_behind_move_up(backend: Backend) {
    backend.submit_all(1..=6, "alice").await;
    assert_eq!(place(&backend, 6).await, Some(6));
    backend.take().await;
    assert_eq!(place(&backend, 6).await, Some(5));
    backend.cancel(id(4)).await;
    assert_eq!(place(&backend, 6).await, Some(4));
    assert_eq!(place(&backend, 3).await, Some(2));
    backend.delete(id(3)).await;
    assert_eq!(place(&backend, 6).await, Some(3));
    for expected in [2, 1] {
        backend.take().await;
        assert_eq!(place(&backend, 6).await, Some(expected));
    }
}

/// A user with one waiting execution stands before the many of another one who came earlier.
pub async fn users_take_turns_in_places_too(backend: Backend) {
    backend.submit_all(1..=10, "alice").await;
    backend.submit(11, "bob").await;
    let of_bob = place(&backend, 11).await.unwrap();
    let of_alice = place(&backend, 10).await.unwrap();
    assert!(of_bob < of_alice, "{of_bob}, {of_alice}");
    assert!(of_bob <= 2, "{of_bob}");
}

/// What runs, has ended, was deleted or never was does not wait.
pub async fn what_does_not_wait_has_no_place(backend: Backend) {
    assert_eq!(place(&backend, 1).await, None);
    let lease = backend.start(1, "alice").await;
    assert_eq!(place(&backend, 1).await, None);
    backend.finish(&lease).await;
    assert_eq!(place(&backend, 1).await, None);
    backend.submit(2, "alice").await;
    backend.cancel(id(2)).await;
    assert_eq!(place(&backend, 2).await, None);
    backend.submit(3, "alice").await;
    backend.delete(id(3)).await;
    assert_eq!(place(&backend, 3).await, None);
}

/// However the estimate is made, it is a place among those that wait.
pub async fn no_place_is_beyond_what_waits(backend: Backend) {
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
            if let Some(place) = place(&backend, number).await {
                assert!((1..=left).contains(&place), "{place} of {left}");
            }
        }
        backend.take().await;
    }
}
