//! Checks that no user gets more than a share of what runs while others wait, and that users who run nothing come first.
//!
//! Where a queue keeps users in several places, the other users of these clauses are in several of them.

use std::collections::HashSet;

use coderun_domain::{Lease, TakeFor, UserId};

use crate::fixtures::{SECOND, id, waiting, within};
use crate::{Backend, Setup};

/// The numbers of alice's executions begin here, those of the others below.
const ALICE: u32 = 1000;
const OTHERS: [&str; 6] = ["bob", "carol", "dave", "erin", "frank", "grace"];

/// Takes as a worker that lets a user have two places while others wait.
async fn take(backend: &Backend, at_most: usize) -> Vec<Lease> {
    let users = TakeFor::Everyone { share: 2 };
    backend.take_group_for("worker-1", users, at_most).await
}

async fn take_for_idle_users(backend: &Backend, at_most: usize) -> Vec<Lease> {
    let users = TakeFor::IdleUsers;
    backend.take_group_for("worker-1", users, at_most).await
}

fn owner(lease: &Lease) -> &UserId {
    lease.execution().submission().user()
}

fn count_of(name: &str, leases: &[Lease]) -> usize {
    leases
        .iter()
        .filter(|it| owner(it).as_str() == name)
        .count()
}

/// Alice runs three executions, and seven more of hers wait.
async fn begin_as_alice(backend: &Backend) -> Vec<Lease> {
    backend.submit_all(ALICE + 1..=ALICE + 10, "alice").await;
    let running = take(backend, 3).await;
    assert_eq!(
        running.len(),
        3,
        "a user who is alone has more than a share"
    );
    running
}

/// Every other user has two executions that wait.
async fn submit_as_others(backend: &Backend) {
    for (number, name) in (1..).step_by(2).zip(OTHERS) {
        backend.submit_all(number..=number + 1, name).await;
    }
}

/// A user who has the share already gets nothing while others wait who have less, in whatever groups they are taken.
pub async fn a_user_with_the_share_waits_for_those_with_less(setup: Setup) {
    for groups in [vec![1; 12], vec![12], vec![5, 7]] {
        let backend = setup.with(|_| {}).await;
        begin_as_alice(&backend).await;
        submit_as_others(&backend).await;
        for at_most in groups {
            let taken = take(&backend, at_most).await;
            assert_eq!(taken.len(), at_most);
            assert_eq!(count_of("alice", &taken), 0);
        }
        assert_eq!(count_of("alice", &take(&backend, 4).await), 4);
    }
}

/// Nobody waits in vain: what is left after those with less than the share is for those with more, in the same group.
pub async fn a_share_leaves_no_place_unused(backend: Backend) {
    begin_as_alice(&backend).await;
    submit_as_others(&backend).await;
    let taken = take(&backend, 100).await;
    assert_eq!(taken.len(), 19);
    assert_eq!(count_of("alice", &taken[..12]), 0);
}

/// What has lost its worker comes first, whoever has how many.
pub async fn a_takeover_comes_before_users_below_the_share(backend: Backend) {
    let lost = begin_as_alice(&backend).await;
    submit_as_others(&backend).await;
    backend.advance(backend.policy.lease + SECOND);
    let taken = take(&backend, 3).await;
    let ids = |leases: &[Lease]| leases.iter().map(Lease::id).collect::<HashSet<_>>();
    assert_eq!(ids(&taken), ids(&lost));
}

/// A take for users who run nothing has one execution of each of them, and none of others.
pub async fn a_take_for_idle_users_is_for_no_others(backend: Backend) {
    let running = begin_as_alice(&backend).await;
    assert_eq!(take_for_idle_users(&backend, 5).await, []);
    submit_as_others(&backend).await;
    let taken = take_for_idle_users(&backend, 4).await;
    let more = take_for_idle_users(&backend, 4).await;
    assert_eq!((taken.len(), more.len()), (4, 2));
    let all: HashSet<_> = taken.iter().chain(&more).map(owner).cloned().collect();
    assert_eq!(all.len(), OTHERS.len());
    assert_eq!(take_for_idle_users(&backend, 4).await, []);
    backend.finish(&taken[0]).await;
    let next = take_for_idle_users(&backend, 4).await;
    assert_eq!(next.len(), 1);
    assert_eq!(owner(&next[0]), owner(&taken[0]));
    for lease in running {
        backend.finish(&lease).await;
    }
    assert_eq!(
        count_of("alice", &take_for_idle_users(&backend, 4).await),
        1
    );
}

/// Users who run nothing are served at the next place, before another turn of those who run something.
pub async fn an_idle_user_comes_before_the_turns_of_others(backend: Backend) {
    begin_as_alice(&backend).await;
    submit_as_others(&backend).await;
    assert_eq!(take(&backend, 6).await.len(), 6);
    backend.submit(500, "henry").await;
    assert_eq!(take(&backend, 1).await[0].id(), id(500));
}

/// A taker that found nothing for users who run nothing is woken by a submission of one.
pub async fn a_submission_of_an_idle_user_wakes_a_taker(backend: Backend) {
    begin_as_alice(&backend).await;
    let mut woken = None;
    for _ in 0..10 {
        // A hint may still be due for an earlier step.
        assert_eq!(take_for_idle_users(&backend, 1).await, []);
        woken = Some(waiting(|| backend.queue.work_available(TakeFor::IdleUsers)).await);
    }
    backend.submit(1, "bob").await;
    within(woken.unwrap()).await;
    assert_eq!(take_for_idle_users(&backend, 1).await[0].id(), id(1));
}
