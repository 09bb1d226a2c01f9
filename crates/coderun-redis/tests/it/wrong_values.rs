//! Tests values that can be decoded, but are not what the scripts write: they count as lost, and no script stops half way.

use coderun_domain::QueueError;
use coderun_domain::testing::{finished, user};
use futures_util::future::join_all;
use rstest::rstest;

use crate::support::{Fixture, id, key, shared_key, try_take};

/// A final record of the first attempt at an execution that started with it.
const END: &str = "local started, id = ARGV[2] + 0, ARGV[1] \
                   local key = KEYS[1] \
                   local _, header = cmsgpack.unpack_one(redis.call('GET', key)) \
                   header[5] = {1, 0, 3, started, started, 'worker-1', started + 3600000000, false, false, false, 'accepted'} \
                   redis.call('SET', key, cmsgpack.pack(header), 'KEEPTTL')";

/// An execution that runs and one that waits.
async fn start() -> Fixture {
    let fixture = Fixture::with(|policy| policy.user_submits_per_minute = 0).await;
    fixture.begin(1).await;
    fixture.submit(2).await;
    fixture
}

/// Submits a group, and runs all that waits.
async fn assert_served(fixture: &Fixture) {
    join_all((10..14).map(|number| fixture.submit(number))).await;
    fixture.redis.queue.sweep().await.unwrap();
    fixture.clock.advance(fixture.policy.lease * 12);
    fixture.redis.queue.sweep().await.unwrap();
    let mut served = Vec::new();
    while let Some(lease) = fixture.try_take().await {
        fixture.finish(&lease).await;
        served.push(lease.id());
    }
    for number in 10..14 {
        let times = served.iter().filter(|each| **each == id(number)).count();
        assert_eq!(times, 1, "{number} ran {times} times");
        assert!(fixture.get(number).await.unwrap().status().is_final());
    }
    fixture.clock.advance(fixture.policy.lease * 12);
    fixture.redis.queue.sweep().await.unwrap();
    assert_eq!(fixture.depth().await, (0, 0));
}

/// Every field of these hashes is replaced.
#[rstest]
#[case::no_user("users", "cmsgpack.pack({})")]
#[case::texts_of_a_user("users", "cmsgpack.pack({'a', 'b', 'c', 'd', 'e', 'f'})")]
#[case::lanes_without_counts("users", "cmsgpack.pack({1, 1, 1, 1, {['3:python'] = 'x'}, {}})")]
#[case::lanes_without_names("users", "cmsgpack.pack({1, 1, 1, 1, {7}, {}})")]
#[case::no_live_value("live", "cmsgpack.pack('3')")]
#[case::live_texts(
    "live",
    "cmsgpack.pack('3', 'running', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', \
     'r', 's', {})"
)]
#[case::live_watchers(
    "live",
    "cmsgpack.pack('3', 'running', 1, 2, 1, 1, 'w', 1, 0, 1, false, false, false, false, false, 'o', '3:python', 1, 1, 1, 1, \
     {{}, {}})"
)]
#[tokio::test]
async fn a_wrong_value_of_a_hash_counts_as_lost(#[case] name: &str, #[case] value: &str) {
    let fixture = start().await;
    let damage = format!(
        "for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('HSET', KEYS[1], field, {value}) end"
    );
    fixture.script(&damage, &shared_key(name), 1);
    assert_served(&fixture).await;
}

#[rstest]
#[case::none("cmsgpack.pack({})")]
#[case::texts("cmsgpack.pack({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})")]
#[case::no_lanes("cmsgpack.pack({1, 1, 1, 1, 1, 0, 1})")]
#[tokio::test]
async fn wrong_totals_count_as_lost(#[case] value: &str) {
    let fixture = start().await;
    let damage = format!("redis.call('SET', KEYS[1], {value})");
    fixture.script(&damage, &shared_key("totals"), 1);
    assert_served(&fixture).await;
}

/// Too low totals of a partition leave nothing to others.
#[tokio::test]
async fn usage_is_told_while_the_totals_are_too_low() {
    let fixture = start().await;
    let totals = "redis.call('SET', KEYS[1], cmsgpack.pack({0, 0, 0, 0, 0, 0, 0, {}, {}}))";
    fixture.script(totals, &shared_key("totals"), 1);
    let usage = fixture.redis.store.usage(&user("alice")).await.unwrap();
    assert_eq!(usage.quotas.pending, 1);
}

/// Members of indexes, queues and lists that no script has made.
#[rstest]
#[case::leases("leases")]
#[case::waits("waits")]
#[tokio::test]
async fn a_wrong_member_of_an_index_is_removed(#[case] name: &str) {
    let fixture = start().await;
    for member in ["x", "x y", "x y z many"] {
        fixture.command(&["ZADD", &shared_key(name), "1", member]);
    }
    assert_served(&fixture).await;
    assert_eq!(fixture.command(&["ZCARD", &shared_key(name)]), "0");
}

#[tokio::test]
async fn wrong_entries_of_queues_and_lists_are_passed_over() {
    let fixture = start().await;
    for list in fixture.keys() {
        if list.contains(":q:") || list.contains(":u:") {
            fixture.command(&["LPUSH", &list, "x"]);
        }
    }
    fixture.command(&["LPUSH", &shared_key("retired"), "x"]);
    assert_eq!(fixture.list().await.len(), 2);
    assert_served(&fixture).await;
}

/// A script has stored the final record of a run, and failed then: nobody runs that again.
#[tokio::test]
async fn an_ended_run_is_not_taken_over() {
    let fixture = start().await;
    let started = fixture.get(1).await.unwrap().progress().updated_at();
    let micros = (started.unix_timestamp_nanos() / 1000).to_string();
    fixture.command(&["EVAL", END, "1", &key("e", 1), &id(1).to_string(), &micros]);
    fixture.clock.advance(fixture.policy.lease);
    assert_eq!(fixture.take().await.id(), id(2));
    assert!(fixture.try_take().await.is_none());
    assert_eq!(fixture.depth().await, (0, 1));
}

/// A take that fails takes nothing out of a queue. On a Cluster reads fail while a slot moves.
#[tokio::test]
async fn a_failed_take_loses_nothing() {
    let fixture = start().await;
    let (record, kept) = (key("e", 2), shared_key("kept"));
    assert_eq!(fixture.command(&["RENAME", &record, &kept]), "OK");
    fixture.command(&["LPUSH", &record, "x"]);
    assert!(try_take(&fixture.redis).await.is_err());
    assert_eq!(fixture.command(&["RENAME", &kept, &record]), "OK");
    assert_eq!(fixture.take().await.id(), id(2));
}

/// The end of a run that failed half way can be repeated, and the sweep deletes its record.
#[tokio::test]
async fn a_failed_finish_can_be_repeated() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    let (last, retired) = (lease.execution().sequence(), shared_key("retired"));
    fixture.command(&["SET", &retired, "x"]);
    let failed = fixture
        .redis
        .queue
        .finish(&lease, last, &[], &finished())
        .await;
    assert_matches!(failed, Err(QueueError::Unavailable { .. }));
    fixture.lose(&retired);
    fixture.finish(&lease).await;
    fixture.clock.advance(fixture.policy.retention);
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().expired, 1);
}
