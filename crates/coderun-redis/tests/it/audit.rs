//! Tests that the sweep finds and repairs indexes and counts that contradict the live executions.
//!
//! Only a defect or a loss of data can cause that, so each test breaks the stored state by hand.

use std::time::Duration;

use coderun_domain::{Clock as _, Submitted};

use crate::support::{Fixture, id, shared_key, worker};

/// A user with an execution that runs and one that waits, and who may not have more of either.
async fn start() -> Fixture {
    let fixture = Fixture::with(|policy| {
        policy.user_pending_max = 1;
        policy.user_running_max = 1;
        policy.run_grace = Duration::from_hours(1);
    })
    .await;
    fixture.begin(1).await;
    fixture.submit(2).await;
    fixture
}

async fn audit(fixture: &Fixture) {
    fixture.clock.advance(Duration::from_mins(1));
    let swept = fixture.redis.queue.sweep().await.unwrap();
    assert_eq!((swept.ended, swept.expired), (0, 0));
}

/// Asserts that both executions can be served, and that nothing is counted afterwards.
async fn assert_served(fixture: &Fixture) {
    for number in [1, 2] {
        let lease = fixture.take().await;
        assert_eq!(lease.id(), id(number));
        fixture.finish(&lease).await;
    }
    assert_eq!(fixture.depth().await, (0, 0));
    assert!(!fixture.keys().contains(&shared_key("users")));
    let lease = fixture.begin(3).await;
    fixture.submit(4).await;
    fixture.finish(&lease).await;
    assert_eq!(fixture.take().await.id(), id(4));
}

/// Each key alone is lost. The audit makes it again from the others.
#[rstest::rstest]
#[case::leases("leases")]
#[case::waits("waits")]
#[case::users("users")]
#[case::totals("totals")]
#[tokio::test]
async fn a_lost_index_is_made_again(#[case] name: &str) {
    let fixture = start().await;
    fixture.lose(&shared_key(name));
    audit(&fixture).await;
    assert_eq!(fixture.depth().await, (1, 1));
    fixture.clock.advance(fixture.policy.lease);
    assert_served(&fixture).await;
}

/// The queue of the user is lost, and the lane of the language once the user can be served.
#[tokio::test]
async fn lost_queues_and_lanes_are_made_again() {
    let fixture = start().await;
    for queue in fixture.keys() {
        if queue.contains(":q:") {
            fixture.lose(&queue);
        }
    }
    audit(&fixture).await;
    let lease = fixture.take().await;
    fixture.finish(&lease).await;
    fixture.lose(&shared_key("lane:3:python"));
    audit(&fixture).await;
    assert_eq!(fixture.take().await.id(), id(2));
}

/// Counts that are too high would refuse submissions and runs for ever.
#[tokio::test]
async fn leaked_counts_are_corrected() {
    let fixture = start().await;
    let leak = "for _, owner in ipairs(redis.call('HKEYS', KEYS[1])) do \
                redis.call('HSET', KEYS[1], owner, cmsgpack.pack({1, 7, 7, 7, {['3:c'] = 7}, {}})) end";
    fixture.script(leak, &shared_key("users"), 1);
    assert!(fixture.try_submit(3).await.is_err());
    audit(&fixture).await;
    assert_served(&fixture).await;
}

/// Leftovers in an index, of executions that do not exist or are in another state, are removed when they are due.
#[tokio::test]
async fn leaked_members_are_removed() {
    let fixture = start().await;
    for name in ["leases", "waits"] {
        for number in [1, 2, 9] {
            let leaked = format!("{} owner 3:python 10", id(number));
            let add = ["ZADD", &shared_key(name), "0", &leaked];
            assert_eq!(fixture.command(&add), "1");
        }
    }
    fixture.redis.queue.sweep().await.unwrap();
    // The counts are corrected when nothing else is left to do.
    fixture.redis.queue.sweep().await.unwrap();
    for name in ["leases", "waits"] {
        let count = fixture.command(&["ZCARD", &shared_key(name)]);
        assert_eq!(count, "1", "{name}");
    }
    assert_eq!(fixture.depth().await, (1, 1));
}

/// An offer passes over nothing that waits, and a take finds it, when only the totals are lost.
#[tokio::test]
async fn lost_totals_let_nothing_pass() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.lose(&shared_key("totals"));
    let execution = fixture.execution(2);
    let submitted = fixture.redis.store.submit(&execution, Some(worker())).await;
    assert_eq!(submitted.unwrap().submitted, Submitted::Accepted);
    for number in 1..=2 {
        assert_eq!(fixture.take().await.id(), id(number));
    }
}

/// An audit checks the users of the executions that it looks at, not all who run something.
#[tokio::test]
async fn an_audit_is_bounded_when_many_users_run_something() {
    let fixture = start().await;
    let leases = "for i = 1, 9000 do \
                  redis.call('ZADD', KEYS[1], ARGV[2], 'x' .. i .. ' o' .. i .. ' 3:python 10') end";
    let later = (fixture.clock.now() + Duration::from_hours(9)).unix_timestamp_nanos() / 1000;
    let add = [
        "EVAL",
        leases,
        "1",
        &shared_key("leases"),
        "",
        &later.to_string(),
    ];
    fixture.command(&add);
    audit(&fixture).await;
    assert_eq!(fixture.command(&["HLEN", &shared_key("users")]), "1");
}

/// The processes of a service audit in turn.
#[tokio::test]
async fn one_process_audits_in_a_minute() {
    let fixture = start().await;
    fixture.redis.queue.sweep().await.unwrap();
    let other = fixture.other_process().await;
    fixture.lose(&shared_key("leases"));
    other.queue.sweep().await.unwrap();
    assert_eq!(fixture.command(&["ZCARD", &shared_key("leases")]), "0");
    audit(&fixture).await;
    assert_eq!(fixture.command(&["ZCARD", &shared_key("leases")]), "1");
}
