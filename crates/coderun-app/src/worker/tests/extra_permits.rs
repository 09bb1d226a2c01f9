//! Tests extra permits: for users who run nothing while the worker's two permits are in use.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coderun_domain::testing::store_policy;
use coderun_domain::{ExecutionId, Status, StorePolicy, Verdict};
use rstest::rstest;

use super::support::{Harness, verdict};
use crate::NextTake;

const BUSY: &str = "sleep 60";

/// A worker with extra permits, both of whose other permits alice has for a minute. Two more of hers wait.
async fn occupied(next_take: NextTake, extra: usize) -> (Harness, Vec<ExecutionId>) {
    let mut harness = Harness::new();
    (harness.next_take, harness.extra_concurrency) = (next_take, extra);
    harness.start("w1");
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(harness.submit(BUSY).await);
    }
    harness.until_running(ids[1]).await;
    (harness, ids)
}

/// Whether this many programs of these run after a while that is much shorter than any of alice's.
async fn running(harness: &Harness, ids: &[ExecutionId]) -> usize {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut running = 0;
    for id in ids {
        running += usize::from(harness.get(*id).await.status() == Status::Running);
    }
    running
}

#[rstest]
#[case::by_each_run(NextTake::ByEachRun)]
#[case::together(NextTake::Together)]
#[tokio::test(start_paused = true)]
async fn a_user_who_runs_nothing_gets_an_extra_permit_at_once(#[case] next_take: NextTake) {
    let (harness, ids) = occupied(next_take, 2).await;
    let began = tokio::time::Instant::now();
    // Of two, the second one begins when the first one ends.
    for _ in 0..2 {
        let greetings = [(); 2].map(|()| harness.submit_as("bob", "sleep 1", false));
        for greeting in futures_util::future::join_all(greetings).await {
            assert_eq!(
                verdict(&harness.final_state(greeting).await),
                Verdict::Accepted
            );
        }
    }
    let took = began.elapsed();
    assert!(took < Duration::from_millis(4100), "{took:?}");
    assert_eq!(harness.runner.most_alive.load(Ordering::SeqCst), 3);
    assert_eq!(
        running(&harness, &ids).await,
        2,
        "alice has no extra permit"
    );
}

#[tokio::test(start_paused = true)]
async fn extra_permits_are_bounded_and_end_with_their_runs() {
    let (harness, ids) = occupied(NextTake::ByEachRun, 1).await;
    let mut greetings = Vec::new();
    for name in ["bob", "carol", "dave"] {
        greetings.push(harness.submit_as(name, "sleep 20", false).await);
    }
    assert_eq!(running(&harness, &greetings).await, 1);
    for greeting in greetings {
        harness.final_state(greeting).await;
    }
    for id in &ids[..2] {
        harness.final_state(*id).await;
    }
    let rest = [harness.submit(BUSY).await, harness.submit(BUSY).await];
    assert_eq!(
        running(&harness, &ids).await + running(&harness, &rest).await,
        2
    );
    assert_eq!(harness.runner.most_alive.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn an_extra_permit_is_not_used_while_others_are_free() {
    let mut harness = Harness::new();
    harness.extra_concurrency = 1;
    harness.start("w1");
    let mut ids = Vec::new();
    for name in ["alice", "bob", "bob"] {
        ids.push(harness.submit_as(name, "sleep 20", false).await);
    }
    assert_eq!(running(&harness, &ids).await, 2);
}

/// The time in which 95 % of fifty users have their greetings, each of which takes a second.
async fn slowest_but_few(harness: &Harness) -> Duration {
    let began = tokio::time::Instant::now();
    let greetings = (0..50).map(async |number| {
        let id = harness
            .submit_as(&format!("user-{number}"), "sleep 1", false)
            .await;
        harness.final_state(id).await;
        began.elapsed()
    });
    let mut took = futures_util::future::join_all(greetings).await;
    took.sort_unstable();
    took[47]
}

fn roomy_harness(extra_concurrency: usize) -> Harness {
    let mut harness = Harness::with_policy(StorePolicy {
        user_pending_max: 1000,
        user_submits_per_minute: 0,
        ..store_policy()
    });
    harness.extra_concurrency = extra_concurrency;
    harness.start("w1");
    harness
}

/// One user has both permits, and hundreds of long programs that wait.
#[rstest]
#[case::by_order_alone(0)]
#[case::with_extra_permits(2)]
#[tokio::test(start_paused = true)]
async fn many_users_beside_one_with_hundreds_of_programs_are_served_soon(#[case] extra: usize) {
    let alone = slowest_but_few(&roomy_harness(extra)).await;
    let harness = roomy_harness(extra);
    let mut last = None;
    for _ in 0..500 {
        last = Some(harness.submit("sleep 15").await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let beside = slowest_but_few(&harness).await;
    assert!(beside <= alone * 3, "{beside:?} beside, {alone:?} alone");
    let waits = harness.get(last.unwrap()).await.status();
    assert_eq!(
        waits,
        Status::Pending,
        "the other user was busy all the time"
    );
}
