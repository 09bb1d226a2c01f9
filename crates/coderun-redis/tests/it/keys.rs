//! Every key has an end.

use std::time::Duration;

use coderun_domain::testing::{catalog, limit_policy};
use coderun_domain::{
    Enforcement, ExecutionQueue as _, ExecutionStore, InputPosition, InputRelay as _,
    RunnerProfile, WorkerOffer, WorkerRegistry as _,
};

use crate::support::{Fixture, id, worker};

/// Asserts that no key lives for ever, nor much longer than a day.
fn assert_mortal(fixture: &Fixture, after: &str) {
    let longest = Duration::from_hours(50).as_millis();
    for key in fixture.keys() {
        let ttl: i64 = fixture
            .server
            .command(&["PTTL", &key])
            .text()
            .parse()
            .unwrap();
        let ttl =
            u128::try_from(ttl).unwrap_or_else(|_| panic!("{key} lives for ever after {after}"));
        assert!(
            ttl > 0 && ttl <= longest,
            "{key} lives for {ttl} ms after {after}"
        );
    }
}

fn offer() -> WorkerOffer {
    WorkerOffer {
        worker: worker(),
        runner: RunnerProfile {
            name: "test".to_owned(),
            enforcement: Enforcement::default(),
            interactive: true,
        },
        languages: catalog().specs().to_vec(),
        limits: limit_policy(),
        concurrency: 1,
    }
}

/// Walks through every step there is, and looks at all keys after each.
#[tokio::test]
async fn no_key_lives_for_ever() {
    let fixture = Fixture::start().await;
    let redis = &fixture.redis;
    assert_mortal(&fixture, "connect");
    redis
        .announce(&offer(), Duration::from_secs(15))
        .await
        .unwrap();
    assert_mortal(&fixture, "announce");
    fixture.submit(1).await;
    fixture.submit(2).await;
    fixture.submit(3).await;
    assert_mortal(&fixture, "submit");
    let lease = fixture.take().await;
    assert_mortal(&fixture, "take");
    fixture.print(&lease, "hello").await;
    assert_mortal(&fixture, "append");
    let lifetime = Duration::from_secs(30);
    for number in [1, 2] {
        fixture.issue(1, number, lifetime).await.unwrap();
        assert_mortal(&fixture, "issue");
    }
    fixture.redeem(1, 1).await.unwrap();
    assert_mortal(&fixture, "redeem");
    redis.renew(&lease).await.unwrap();
    assert_mortal(&fixture, "renew");
    redis.release(&lease).await.unwrap();
    assert_mortal(&fixture, "release");
    let lease = fixture.take().await;
    redis.request_cancel(lease.id()).await.unwrap();
    redis.request_cancel(id(2)).await.unwrap();
    assert_mortal(&fixture, "cancel");
    fixture.finish(&lease).await;
    assert_mortal(&fixture, "finish");
    ExecutionStore::check(redis).await.unwrap();
    assert_mortal(&fixture, "check");
    fixture.clock.advance(fixture.policy.queue_deadline);
    assert_eq!(redis.sweep().await.unwrap().ended, 1);
    assert_mortal(&fixture, "sweep");
    assert!(redis.delete(id(3)).await.unwrap());
    assert_mortal(&fixture, "delete");
}

/// So is what is typed mortal, from the first piece to the last.
#[tokio::test]
async fn no_input_lives_for_ever() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    for number in [1, 2] {
        fixture.type_in(1, number, "a").await;
        assert_mortal(&fixture, "send");
        let after = InputPosition::from_number(number);
        let read = fixture.redis.receive(&lease, after).await;
        assert_eq!(read.unwrap(), []);
        assert_mortal(&fixture, "receive");
    }
    fixture.redis.release(&lease).await.unwrap();
    assert_mortal(&fixture, "release");
}

/// A record is there for as long as its execution may wait and run, and for the retention after that.
#[tokio::test]
async fn a_record_outlives_all_that_may_still_happen_to_it() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    let assert_long = |after: &str, least: Duration| {
        for key in fixture.keys() {
            if key.contains(":execution:") || key.contains(":events:") {
                let ttl: u128 = fixture
                    .server
                    .command(&["PTTL", &key])
                    .text()
                    .parse()
                    .unwrap();
                assert!(ttl >= least.as_millis(), "{key}: {ttl} ms after {after}");
            }
        }
    };
    let policy = fixture.policy;
    let waiting = fixture.get(1).await.unwrap();
    let run = waiting.submission().limits().total_wall_time() + policy.run_grace;
    assert_long("submit", policy.queue_deadline + run + policy.retention);
    let lease = fixture.take().await;
    assert_long("take", run + policy.retention);
    fixture.finish(&lease).await;
    assert_long("finish", policy.retention);
}

/// When everything has ended and expired, the sweep leaves nothing that names a user or an execution.
#[tokio::test]
async fn nothing_is_left_of_what_has_expired() {
    let fixture = Fixture::with(|policy| policy.user_submits_per_minute = 0).await;
    for number in 1..=3 {
        let lease = fixture.begin(number).await;
        fixture.finish(&lease).await;
    }
    fixture.clock.advance(fixture.policy.retention);
    assert_eq!(fixture.redis.sweep().await.unwrap().expired, 3);
    assert_eq!(fixture.keys(), ["coderun:partitions", "coderun:{0}:totals"]);
}
