//! Checks that a worker that takes several executions at once gets them as if it had taken one after the other.

use std::collections::HashSet;
use std::sync::Arc;

use coderun_domain::testing::{EVERYONE, language};
use coderun_domain::{ExecutionId, Lease};

use crate::fixtures::{SECOND, at_once, attempt, id, languages, worker, written_in};
use crate::{Backend, Setup};

/// The numbers of this user's executions begin here, so that an id shows its owner.
const ALICE: u32 = 0;
const BOB: u32 = 1000;
const CAROL: u32 = 2000;

async fn submit_many(backend: &Backend, name: &str, first: u32, count: u32) {
    backend.submit_all(first + 1..=first + count, name).await;
}

async fn take(backend: &Backend, at_most: usize) -> Vec<Lease> {
    backend.take_group_as("worker-1", at_most).await
}

fn ids(leases: &[Lease]) -> Vec<ExecutionId> {
    leases.iter().map(Lease::id).collect()
}

fn of_user(first: u32, leases: &[Lease]) -> Vec<ExecutionId> {
    let all: HashSet<_> = (1..1000).map(|number| id(first + number)).collect();
    let leases = leases.iter().map(Lease::id);
    leases.filter(|taken| all.contains(taken)).collect()
}

fn first_of(first: u32, count: usize) -> Vec<ExecutionId> {
    (first + 1..).take(count).map(id).collect()
}

/// A group has as many as were asked for, or all that there are; each is running under the lease of this worker.
pub async fn a_group_is_no_larger_than_asked(backend: Backend) {
    submit_many(&backend, "alice", ALICE, 5).await;
    assert_eq!(take(&backend, 0).await, []);
    let group = take(&backend, 3).await;
    assert_eq!(ids(&group), [1, 2, 3].map(id));
    for lease in &group {
        assert_eq!(lease.worker(), &worker("worker-1"));
        assert_eq!(lease.attempt(), attempt(1));
        assert_eq!(backend.get(lease.id()).await, *lease.execution());
        assert_eq!(backend.events(lease.id()).await.len(), 2);
    }
    let rest = take(&backend, 10).await;
    assert_eq!(ids(&rest), [4, 5].map(id));
    assert_eq!(take(&backend, 10).await, []);
    for lease in group.iter().chain(&rest) {
        backend.finish(lease).await;
    }
}

/// In every beginning of a group, and over the borders of groups, every second turn is bob's while bob waits.
pub async fn users_take_turns_within_a_group(backend: Backend) {
    submit_many(&backend, "alice", ALICE, 40).await;
    submit_many(&backend, "bob", BOB, 10).await;
    let mut taken = Vec::new();
    for at_most in [5, 1, 8, 6] {
        taken.extend(take(&backend, at_most).await);
    }
    for turns in 1..=20 {
        let of_bob = of_user(BOB, &taken[..turns]).len();
        assert!(of_bob >= turns / 2, "{of_bob} of {turns} turns");
    }
    assert_eq!(of_user(BOB, &taken), first_of(BOB, 10));
    assert_eq!(of_user(ALICE, &taken), first_of(ALICE, 10));
}

/// The first execution of a user is in the next group, after at most one more turn of each other user.
pub async fn a_newcomer_waits_for_one_turn_of_each_in_a_group(backend: Backend) {
    submit_many(&backend, "alice", ALICE, 50).await;
    submit_many(&backend, "bob", BOB, 50).await;
    assert_eq!(take(&backend, 31).await.len(), 31);
    backend.submit(CAROL + 1, "carol").await;
    let group = take(&backend, 10).await;
    assert_eq!(of_user(CAROL, &group[..3]), [id(CAROL + 1)]);
}

/// No user has more running than allowed because several were taken at once, and others are not delayed by it.
pub async fn a_group_respects_the_running_bound(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 2).await;
    submit_many(&backend, "alice", ALICE, 5).await;
    submit_many(&backend, "bob", BOB, 1).await;
    let group = take(&backend, 10).await;
    assert_eq!(of_user(ALICE, &group), first_of(ALICE, 2));
    assert_eq!(of_user(BOB, &group), first_of(BOB, 1));
    assert_eq!(take(&backend, 10).await, []);
}

/// Each execution that ends lets one more of a user at the bound run, in the order of their submission.
pub async fn a_user_below_the_bound_again_runs_the_next_one(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 2).await;
    submit_many(&backend, "alice", ALICE, 5).await;
    let group = take(&backend, 10).await;
    assert_eq!(ids(&group), first_of(ALICE, 2));
    backend.finish(&group[1]).await;
    let next = take(&backend, 10).await;
    assert_eq!(ids(&next), [id(ALICE + 3)]);
    // A repetition lets nothing more run.
    backend.finish(&group[1]).await;
    assert_eq!(take(&backend, 10).await, []);
    backend.finish(&group[0]).await;
    backend.finish(&next[0]).await;
    let last = take(&backend, 10).await;
    assert_eq!(ids(&last), [ALICE + 4, ALICE + 5].map(id));
}

/// A user who was at the bound while others were served has no claim to what the bound has cost.
pub async fn a_user_below_the_bound_again_takes_turns_with_the_others(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 2).await;
    submit_many(&backend, "alice", ALICE, 30).await;
    let group = take(&backend, 10).await;
    assert_eq!(ids(&group), first_of(ALICE, 2));
    submit_many(&backend, "bob", BOB, 40).await;
    for number in 1..=20 {
        let of_bob = take(&backend, 1).await;
        assert_eq!(ids(&of_bob), [id(BOB + number)]);
        backend.finish(&of_bob[0]).await;
    }
    for lease in &group {
        backend.finish(lease).await;
    }
    let mut taken = Vec::new();
    for _ in 0..20 {
        let next = take(&backend, 1).await;
        backend.finish(&next[0]).await;
        taken.extend(next);
    }
    for turns in 1..=20 {
        let of_bob = of_user(BOB, &taken[..turns]).len();
        assert!(of_bob >= turns / 2, "{of_bob} of {turns} turns");
        assert!(of_bob <= turns / 2 + 1, "{of_bob} of {turns} turns");
    }
}

/// Where all users have more than they may run, each group serves all of them alike.
pub async fn users_at_the_bound_are_served_alike(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 2).await;
    submit_many(&backend, "alice", ALICE, 30).await;
    submit_many(&backend, "bob", BOB, 30).await;
    submit_many(&backend, "carol", CAROL, 30).await;
    let mut taken = Vec::new();
    for at_most in [3, 6, 10, 3, 6, 10] {
        let group = take(&backend, at_most).await;
        assert_eq!(group.len(), at_most.min(6));
        for lease in &group {
            backend.finish(lease).await;
        }
        taken.extend(group);
    }
    for (first, name) in [(ALICE, "alice"), (BOB, "bob"), (CAROL, "carol")] {
        assert_eq!(of_user(first, &taken), first_of(first, 10), "{name}");
    }
}

/// What has lost its worker comes first in the group, and what was given back before all that never ran.
pub async fn a_group_begins_with_what_ran_before(backend: Backend) {
    backend.submit_all(1..=2, "carol").await;
    let lost = take(&backend, 2).await;
    backend.submit(3, "alice").await;
    let released = take(&backend, 1).await;
    backend.submit_all(4..=5, "bob").await;
    backend.release(&released[0]).await;
    backend.advance(backend.policy.lease + SECOND);
    let group = take(&backend, 10).await;
    let (takeovers, rest) = group.split_at(2);
    let again: HashSet<_> = ids(takeovers).into_iter().collect();
    assert_eq!(again, ids(&lost).into_iter().collect());
    assert_eq!(ids(rest), [3, 4, 5].map(id));
    let attempts: Vec<_> = group.iter().map(Lease::attempt).collect();
    assert_eq!(attempts, [2, 2, 2, 1, 1].map(attempt));
}

/// A group has nothing that the worker did not ask for, and misses nothing behind it.
pub async fn a_group_has_only_requested_languages(backend: Backend) {
    for number in 1..=4 {
        let name = ["c", "python"][number as usize % 2];
        backend
            .submit_draft(number, "alice", written_in(name))
            .await;
    }
    backend.submit_draft(5, "bob", written_in("c")).await;
    let take = async |asked: &[&str]| {
        let asked: Vec<_> = asked.iter().map(|name| language(name)).collect();
        let taken = backend.queue.take(&worker("w"), &asked, EVERYONE, 10).await;
        ids(&taken.unwrap())
    };
    assert_eq!(take(&[]).await, []);
    assert_eq!(take(&["ruby"]).await, []);
    assert_eq!(take(&["python", "ruby"]).await, [1, 3].map(id));
    let rest: HashSet<_> = take(&["c", "python"]).await.into_iter().collect();
    assert_eq!(rest, HashSet::from([2, 4, 5].map(id)));
}

/// What has outlived its time in the queue is in no group, and what is behind it is.
pub async fn a_group_has_nothing_past_its_deadline(backend: Backend) {
    backend.submit_all(1..=3, "alice").await;
    backend.advance(backend.policy.queue_deadline);
    backend.submit_all(4..=5, "alice").await;
    backend.advance(SECOND);
    assert_eq!(ids(&take(&backend, 10).await), [4, 5].map(id));
    assert_eq!(backend.sweep().await.ended, 3);
}

/// Of sixteen takers at a time each gets other executions, and together they get all.
pub async fn each_execution_is_in_one_group_of_many_takers(backend: Backend) {
    const EXECUTIONS: u32 = 100;
    for number in 1..=EXECUTIONS {
        let name = ["alice", "bob", "carol"][number as usize % 3];
        backend.submit(number, name).await;
    }
    let taken = at_once(16, |number| {
        let queue = Arc::clone(&backend.queue);
        async move {
            let (worker, languages) = (worker(&format!("worker-{number}")), languages());
            let mut taken = Vec::new();
            loop {
                let group = queue.take(&worker, &languages, EVERYONE, 7).await.unwrap();
                assert!(group.len() <= 7);
                if group.is_empty() {
                    return taken;
                }
                taken.extend(ids(&group));
            }
        }
    })
    .await
    .concat();
    assert_eq!(taken.len(), EXECUTIONS as usize);
    let distinct: HashSet<_> = taken.into_iter().collect();
    assert_eq!(distinct.len(), EXECUTIONS as usize);
}
