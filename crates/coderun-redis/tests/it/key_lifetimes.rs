//! Tests that every key has a bounded lifetime, long enough for what it holds.

use std::time::Duration;

use coderun_domain::testing::{catalog, limit_policy};
use coderun_domain::{Enforcement, RunnerProfile, WorkerOffer};

use crate::support::{Fixture, id, keys_of_nothing, worker};

/// A little more than the two days of the stored number of partitions.
const LONGEST_MS: i64 = 50 * 3_600_000;

/// Asserts that every key expires, and at most after [`LONGEST_MS`].
fn assert_all_expire(fixture: &Fixture, after: &str) {
    for key in fixture.keys() {
        let ttl = fixture.ttl_ms(&key);
        assert!(
            ttl > 0 && ttl <= LONGEST_MS,
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
            ignores_buffering: false,
        },
        languages: catalog().specs().to_vec(),
        limits: limit_policy(),
        concurrency: 1,
        unavailable: Vec::new(),
        outage: None,
    }
}

/// Runs every step, and checks all keys after each.
#[tokio::test]
async fn every_key_expires() {
    let fixture = Fixture::start().await;
    let redis = &fixture.redis;
    assert_all_expire(&fixture, "connect");
    let (offer, lifetime) = (offer(), Duration::from_secs(15));
    redis.registry.announce(&offer, lifetime).await.unwrap();
    assert_all_expire(&fixture, "announce");
    fixture.submit(1).await;
    fixture.submit(2).await;
    fixture.submit(3).await;
    assert_all_expire(&fixture, "submit");
    let lease = fixture.take().await;
    assert_all_expire(&fixture, "take");
    fixture.print(&lease, "hello").await;
    assert_all_expire(&fixture, "append");
    let lifetime = Duration::from_secs(30);
    for number in [1, 2] {
        fixture.issue(1, number, lifetime).await.unwrap();
        assert_all_expire(&fixture, "issue");
    }
    fixture.redeem(1, 1).await.unwrap();
    assert_all_expire(&fixture, "redeem");
    redis.queue.renew(&lease).await.unwrap();
    assert_all_expire(&fixture, "renew");
    redis.queue.release(&lease).await.unwrap();
    assert_all_expire(&fixture, "release");
    let lease = fixture.take().await;
    redis.store.request_cancel(lease.id()).await.unwrap();
    redis.store.request_cancel(id(2)).await.unwrap();
    assert_all_expire(&fixture, "cancel");
    fixture.finish(&lease).await;
    assert_all_expire(&fixture, "finish");
    redis.store.check().await.unwrap();
    assert_all_expire(&fixture, "check");
    fixture.clock.advance(fixture.policy.queue_deadline);
    assert_eq!(redis.queue.sweep().await.unwrap().ended, 1);
    assert_all_expire(&fixture, "sweep");
    assert!(redis.store.delete(id(3)).await.unwrap());
    assert_all_expire(&fixture, "delete");
}

/// What becomes empty is deleted with its lifetime, and made anew by the next execution.
#[tokio::test]
async fn a_key_that_was_empty_expires_again() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        fixture.submit(number).await;
        assert_all_expire(&fixture, "submit");
        let lease = fixture.take().await;
        assert_all_expire(&fixture, "take");
        fixture.finish(&lease).await;
        assert_all_expire(&fixture, "finish");
    }
}

#[tokio::test]
async fn every_key_of_input_expires() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    for number in [1, 2] {
        fixture.type_in(1, number, "a").await;
        assert_all_expire(&fixture, "send");
        assert_eq!(fixture.receive(&lease, number).await.unwrap(), []);
        assert_all_expire(&fixture, "receive");
    }
    fixture.redis.queue.release(&lease).await.unwrap();
    assert_all_expire(&fixture, "release");
}

/// A record lives as long as its execution may wait and run, and for the retention after that.
#[tokio::test]
async fn a_record_outlives_its_execution_by_the_retention() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    let assert_long = |after: &str, least: Duration| {
        for key in fixture.keys() {
            if key.contains(":e:") || key.contains(":v:") {
                let ttl = fixture.ttl_ms(&key);
                let is_long = i128::from(ttl) >= least.as_millis().cast_signed();
                assert!(is_long, "{key}: {ttl} ms after {after}");
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

/// The remaining keys name neither a user nor an execution.
#[tokio::test]
async fn a_sweep_deletes_all_keys_of_expired_executions() {
    let fixture = Fixture::with(|policy| policy.user_submits_per_minute = 0).await;
    for number in 1..=3 {
        let lease = fixture.begin(number).await;
        fixture.finish(&lease).await;
    }
    fixture.clock.advance(fixture.policy.retention);
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().expired, 3);
    assert_eq!(fixture.keys(), keys_of_nothing());
}
