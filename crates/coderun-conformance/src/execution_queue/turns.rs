//! Checks fairness: users take turns, and run a bounded number of executions.

use std::time::Duration;

use coderun_domain::ExecutionId;

use crate::fixtures::id;
use crate::{Backend, Setup};

/// The numbers of this user's executions begin here, so that an id shows its owner.
const ALICE: u32 = 0;
const BOB: u32 = 1000;
const CAROL: u32 = 2000;

async fn submit_many(backend: &Backend, name: &str, first: u32, count: u32) {
    for number in 1..=count {
        backend.submit(first + number, name).await;
    }
}

fn is_of(first: u32, taken: ExecutionId) -> bool {
    (1..1000).any(|number| id(first + number) == taken)
}

/// A user with a hundred pending executions leaves every second turn to a user who came later.
pub async fn users_take_turns(backend: Backend) {
    submit_many(&backend, "alice", ALICE, 100).await;
    submit_many(&backend, "bob", BOB, 10).await;
    let mut of_bob = 0;
    for turn in 1..=20 {
        let taken = backend.take().await.id();
        of_bob += u32::from(is_of(BOB, taken));
        assert!(of_bob >= turn / 2, "{of_bob} of {turn} turns");
    }
    assert_eq!(of_bob, 10);
    // When bob has nothing more, every turn is alice's.
    for _ in 0..10 {
        assert!(is_of(ALICE, backend.take().await.id()));
    }
}

/// The first execution of a user is taken after at most one more turn of each other user.
pub async fn a_newcomer_waits_for_one_turn_of_each(backend: Backend) {
    submit_many(&backend, "alice", ALICE, 50).await;
    submit_many(&backend, "bob", BOB, 50).await;
    for _ in 0..31 {
        backend.take().await;
    }
    backend.submit(CAROL + 1, "carol").await;
    let mut served = false;
    for _ in 0..3 {
        served |= is_of(CAROL, backend.take().await.id());
    }
    assert!(served);
}

/// The bound holds, also against released leases, and the next one is taken when one ends.
pub async fn a_user_runs_no_more_than_allowed(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 2).await;
    submit_many(&backend, "alice", ALICE, 5).await;
    let first = backend.take().await;
    let second = backend.take().await;
    assert_eq!(backend.try_take().await, None);
    backend.finish(&first).await;
    let third = backend.take().await;
    assert_eq!(third.id(), id(ALICE + 3));
    assert_eq!(backend.try_take().await, None);
    backend.release(&second).await;
    assert_eq!(backend.take().await.id(), second.id());
    assert_eq!(backend.try_take().await, None);
    // Repetitions free nothing.
    backend.finish(&first).await;
    assert_eq!(backend.try_take().await, None);
}

/// While one user may not run more, the executions of the others are taken.
pub async fn a_user_at_the_limit_does_not_delay_others(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 1).await;
    submit_many(&backend, "alice", ALICE, 50).await;
    assert!(is_of(ALICE, backend.take().await.id()));
    submit_many(&backend, "bob", BOB, 1).await;
    submit_many(&backend, "carol", CAROL, 1).await;
    let taken = [backend.take().await.id(), backend.take().await.id()];
    assert!(taken.iter().any(|taken| is_of(BOB, *taken)));
    assert!(taken.iter().any(|taken| is_of(CAROL, *taken)));
    assert_eq!(backend.try_take().await, None);
}

/// Finished, released, deleted and forcibly ended executions all let the user run another one.
pub async fn every_ending_lets_another_execution_run(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 1).await;
    submit_many(&backend, "alice", ALICE, 3).await;
    backend.finish(&backend.take().await).await;
    let lease = backend.take().await;
    backend.release(&lease).await;
    let lease = backend.take().await;
    assert!(backend.delete(lease.id()).await);
    let stuck = backend.take().await;
    backend.advance(Duration::from_mins(2));
    assert_eq!(backend.sweep().await.ended, 1);
    assert!(backend.get(stuck.id()).await.status().is_final());
    submit_many(&backend, "alice", BOB, 1).await;
    assert_eq!(backend.take().await.id(), id(BOB + 1));
    assert_eq!(backend.try_take().await, None);
}
