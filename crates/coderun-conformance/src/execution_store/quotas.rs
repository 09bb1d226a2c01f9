//! Checks quotas, and that a refusal leaves no trace.

use std::time::Duration;

use coderun_domain::testing::{draft, user};
use coderun_domain::{ByteSize, Quota, QuotaUsage, StoreError, StorePolicy, Submitted, UserUsage};

use crate::Setup;
use crate::fixtures::{SECOND, assert_full, id, sized, worker};

/// Asserts that a quota was exceeded, and returns the time until the next try.
fn exceeded(result: &Result<Submitted, StoreError>, expected: Quota, bound: u32) -> Duration {
    let Err(StoreError::QuotaExceeded {
        quota,
        limit,
        retry_after,
    }) = result
    else {
        panic!("no quota exceeded: {result:?}");
    };
    assert_eq!((*quota, *limit), (expected, bound));
    assert!(*retry_after > Duration::ZERO);
    *retry_after
}

/// In any 60 seconds, wherever they begin, a user submits no more than the bound; others are not concerned.
pub async fn submissions_of_a_user_are_bounded_in_any_minute(setup: Setup) {
    let bound = |policy: &mut StorePolicy| policy.user_submits_per_minute = 2;
    let backend = setup.with(bound).await;
    backend.submit(1, "alice").await;
    backend.set_clock(40);
    backend.submit(2, "alice").await;
    backend.set_clock(50);
    let refused = backend.try_submit(3, "alice").await;
    let wait = exceeded(&refused, Quota::SubmitsPerMinute, 2);
    assert!(wait <= Duration::from_mins(1), "{wait:?}");
    backend.submit(4, "bob").await;
    // The first one is more than a minute old, the second one is not.
    backend.set_clock(62);
    backend.submit(3, "alice").await;
    let refused = backend.try_submit(5, "alice").await;
    exceeded(&refused, Quota::SubmitsPerMinute, 2);
    // After the time in the refusal a submission is accepted.
    let wait = exceeded(&refused, Quota::SubmitsPerMinute, 2);
    backend.advance(wait + SECOND);
    backend.submit(5, "alice").await;
}

/// Each answer to a submission tells what its user has used, also that to a repetition.
pub async fn an_answer_tells_what_the_user_has_used(setup: Setup) {
    let backend = setup
        .with(|policy| policy.user_submits_per_minute = 10)
        .await;
    let usage = async |number, name, offer| {
        let execution = backend.draft(number, name, draft());
        let submitting = backend.store.submit(&execution, offer);
        submitting.await.unwrap().usage
    };
    let used = |submits, seconds, pending| QuotaUsage {
        submits,
        submits_reset: Duration::from_secs(seconds),
        pending,
    };
    let start = |name| Some(worker(name));
    assert_eq!(usage(1, "alice", start("w1")).await, used(1, 60, 0));
    backend.set_clock(10);
    assert_eq!(usage(2, "alice", None).await, used(2, 50, 1));
    assert_eq!(usage(2, "alice", None).await, used(2, 50, 1));
    assert_eq!(usage(3, "alice", start("w1")).await, used(3, 50, 2));
    assert_eq!(usage(4, "bob", None).await, used(1, 60, 1));
    backend.cancel(id(2)).await;
    // The first one counts no more.
    backend.set_clock(60);
    assert_eq!(usage(5, "alice", None).await, used(3, 10, 2));
    backend.set_clock(200);
    assert_eq!(usage(5, "alice", None).await, used(0, 0, 2));
}

/// A user's usage is what they hold now, and what all others do.
pub async fn usage_is_what_a_user_and_the_others_hold(setup: Setup) {
    let backend = setup
        .with(|policy| policy.user_submits_per_minute = 10)
        .await;
    let usage = async |name| backend.store.usage(&user(name)).await.unwrap();
    assert_eq!(usage("alice").await, UserUsage::default());
    backend.submit_draft(1, "alice", sized(100)).await;
    let lease = backend.take().await;
    backend.submit_draft(2, "alice", sized(20)).await;
    backend.submit_draft(3, "bob", sized(3)).await;
    let of_alice = usage("alice").await;
    assert_eq!((of_alice.quotas.pending, of_alice.running), (1, 1));
    assert_eq!(of_alice.quotas.submits, 2);
    assert_eq!(of_alice.quotas.submits_reset, Duration::from_mins(1));
    let of_bob = usage("bob").await;
    assert_eq!((of_bob.quotas.pending, of_bob.running), (1, 0));
    for (one, other) in [(of_alice, of_bob), (of_bob, of_alice)] {
        assert_eq!(one.others_pending, u64::from(other.quotas.pending));
        assert_eq!(one.others_live_bytes, other.live_bytes);
        assert!(one.live_bytes > 0);
    }
    let submission = lease.execution().submission();
    let run_bytes = StorePolicy::live_size(submission).as_bytes();
    backend.finish(&lease).await;
    let of_alice = usage("alice").await;
    assert_eq!((of_alice.quotas.pending, of_alice.running), (1, 0));
    assert_eq!(of_alice.live_bytes + run_bytes, of_bob.others_live_bytes);
    assert_eq!(of_alice.quotas.submits, 2);
    let of_carol = usage("carol").await;
    assert_eq!((of_carol.live_bytes, of_carol.others_pending), (0, 2));
}

/// A bound of 0 submissions a minute means no bound.
pub async fn a_submission_bound_of_zero_is_unlimited(setup: Setup) {
    let backend = setup
        .with(|policy| policy.user_submits_per_minute = 0)
        .await;
    backend.submit_all(1..=200, "alice").await;
}

/// A user has no more pending executions than the bound. Running ones do not count, and other users are not affected.
pub async fn waiting_executions_of_a_user_are_bounded(setup: Setup) {
    let backend = setup.with(|policy| policy.user_pending_max = 2).await;
    backend.submit(1, "alice").await;
    backend.submit(2, "alice").await;
    exceeded(&backend.try_submit(3, "alice").await, Quota::Pending, 2);
    backend.submit(4, "bob").await;
    backend.take().await;
    backend.take().await;
    backend.submit(3, "alice").await;
    backend.cancel(id(3)).await;
    backend.submit(5, "alice").await;
}

/// Of all users together no more wait than the bound.
pub async fn waiting_executions_of_all_users_are_bounded(setup: Setup) {
    let backend = setup.with(|policy| policy.pending_max = 2).await;
    backend.submit(1, "alice").await;
    backend.submit(2, "bob").await;
    assert_full(backend.try_submit(3, "carol").await);
    backend.take().await;
    backend.submit(3, "carol").await;
    assert_full(backend.try_submit(4, "dave").await);
    backend.cancel(id(3)).await;
    backend.submit(4, "dave").await;
}

/// Submissions that wait or run occupy no more than the bound together; final ones do not count.
pub async fn live_submissions_are_bounded_in_bytes(setup: Setup) {
    let backend = setup
        .with(|policy| policy.live_bytes_max = ByteSize::from_bytes(1000))
        .await;
    backend.submit_draft(1, "alice", sized(600)).await;
    let second = backend.draft(2, "carol", sized(51));
    assert_full(backend.submit_with(&second, None).await);
    backend.submit_draft(3, "bob", sized(50)).await;
    let lease = backend.take().await;
    assert_eq!(lease.id(), id(1));
    assert_full(backend.submit_with(&second, None).await);
    backend.finish(&lease).await;
    let submitted = backend.submit_with(&second, None).await.unwrap();
    assert_eq!(submitted, Submitted::Accepted);
}

/// A user may have a share of all waiting executions, which shrinks as others wait; one place each is left for many more users.
pub async fn users_share_the_waiting_executions(setup: Setup) {
    let backend = setup.with(|policy| policy.pending_max = 40).await;
    let mut number = 0;
    for (user, share) in [10, 6, 4, 3, 2, 1].into_iter().enumerate() {
        let name = format!("user-{user}");
        for _ in 0..share {
            number += 1;
            backend.submit(number, &name).await;
        }
        let refused = backend.try_submit(100, &name).await;
        exceeded(&refused, Quota::Share, share);
    }
    while number < 40 {
        number += 1;
        backend.submit(number, &format!("user-{number}")).await;
    }
    assert_full(backend.try_submit(100, "newcomer").await);
    backend.take().await;
    exceeded(&backend.try_submit(100, "user-1").await, Quota::Share, 6);
    backend.submit(100, "newcomer").await;
}

/// The live submissions of a user take at most a share of the memory, whether they wait or run.
pub async fn a_users_live_submissions_are_bounded_in_bytes(setup: Setup) {
    let backend = setup
        .with(|policy| policy.live_bytes_max = ByteSize::from_bytes(1200))
        .await;
    for number in [1, 2] {
        backend.submit_draft(number, "alice", sized(150)).await;
    }
    let third = backend.draft(3, "alice", sized(1));
    let refused = || backend.submit_with(&third, None);
    exceeded(&refused().await, Quota::Share, 2);
    let lease = backend.take().await;
    exceeded(&refused().await, Quota::Share, 1);
    backend.release(&lease).await;
    exceeded(&refused().await, Quota::Share, 2);
    let lease = backend.take().await;
    backend.finish(&lease).await;
    assert_eq!(refused().await.unwrap(), Submitted::Accepted);
}

/// However much memory some users take, in pieces of any size and also for what runs, a small program of one more is accepted.
pub async fn greedy_users_leave_memory_for_small_submissions(setup: Setup) {
    let backend = setup
        .with(|policy| policy.live_bytes_max = ByteSize::from_mib(1))
        .await;
    let mut number = 0;
    for user in 0..32 {
        let name = format!("user-{user}");
        for bytes in [256 << 10, 64 << 10, 16 << 10, 4 << 10, 1 << 10, 64, 8] {
            let mut is_accepted = true;
            while is_accepted {
                number += 1;
                assert!(number < 2000, "the memory has no bound");
                let execution = backend.draft(number, &name, sized(bytes));
                is_accepted = backend.submit_with(&execution, None).await.is_ok();
            }
        }
        backend.take().await;
    }
    number += 1;
    backend.submit(number, "newcomer").await;
    let large = backend.draft(number + 1, "newcomer", sized(4 << 10));
    assert_full(backend.submit_with(&large, None).await);
}

/// After a refusal there is no record, no list entry, nothing to watch and nothing to take.
pub async fn a_refused_submission_leaves_no_trace(setup: Setup) {
    let backend = setup
        .with(|policy| {
            policy.pending_max = 8;
            policy.user_pending_max = 2;
            policy.live_bytes_max = ByteSize::from_bytes(1000);
        })
        .await;
    backend.submit_all([1, 2], "alice").await;
    exceeded(&backend.try_submit(11, "alice").await, Quota::Pending, 2);
    let large = backend.draft(12, "bob", sized(1000));
    assert_full(backend.submit_with(&large, None).await);
    for (number, name) in (3..=8).zip(["bob", "dave", "erin", "frank", "grace", "heidi"]) {
        backend.submit(number, name).await;
    }
    assert_full(backend.try_submit(13, "carol").await);
    for number in [11, 12, 13] {
        assert_eq!(backend.find(id(number)).await, None);
        backend.assert_unwatchable(id(number)).await;
    }
    assert_eq!(backend.list("alice").await.len(), 2);
    assert_eq!(backend.list("bob").await.len(), 1);
    assert_eq!(backend.list("carol").await, []);
    for _ in 0..8 {
        let lease = backend.take().await;
        assert!((1..=8).any(|number| id(number) == lease.id()));
    }
    assert_eq!(backend.try_take().await, None);
}

/// Only accepted submissions count against the bound of a minute.
pub async fn a_refused_submission_uses_no_quota(setup: Setup) {
    let backend = setup
        .with(|policy| {
            policy.user_pending_max = 1;
            policy.user_submits_per_minute = 2;
        })
        .await;
    backend.submit(1, "alice").await;
    for number in 11..20 {
        let refused = backend.try_submit(number, "alice").await;
        exceeded(&refused, Quota::Pending, 1);
    }
    backend.cancel(id(1)).await;
    backend.submit(2, "alice").await;
    backend.cancel(id(2)).await;
    let refused = backend.try_submit(3, "alice").await;
    exceeded(&refused, Quota::SubmitsPerMinute, 2);
}

/// What is there already is answered with `AlreadyExists` where a new submission would be refused, and counts once.
pub async fn a_repeated_submission_is_answered_before_any_quota(setup: Setup) {
    let backend = setup
        .with(|policy| {
            policy.pending_max = 8;
            policy.user_pending_max = 2;
            policy.user_submits_per_minute = 2;
        })
        .await;
    let execution = backend.submit(1, "alice").await;
    for _ in 0..3 {
        let again = backend.submit_with(&execution, None).await.unwrap();
        let there = Submitted::AlreadyExists(Box::new(execution.clone()));
        assert_eq!(again, there);
    }
    backend.submit(2, "alice").await;
    let again = backend.submit_with(&execution, None).await.unwrap();
    assert!(matches!(again, Submitted::AlreadyExists(_)));
    let new = backend.draft(3, "alice", draft());
    exceeded(
        &backend.submit_with(&new, None).await,
        Quota::SubmitsPerMinute,
        2,
    );
}

/// Deleting a waiting execution makes room for another one.
pub async fn a_deleted_execution_frees_its_quota(setup: Setup) {
    let backend = setup
        .with(|policy| {
            policy.pending_max = 1;
            policy.user_pending_max = 1;
            policy.live_bytes_max = ByteSize::from_bytes(100);
        })
        .await;
    for number in 1..5 {
        backend.submit_draft(number, "alice", sized(75)).await;
        assert!(backend.delete(id(number)).await);
    }
}
