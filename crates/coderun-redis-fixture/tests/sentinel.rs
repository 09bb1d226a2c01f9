//! Tests the Sentinels that other tests rely on.

use coderun_redis_fixture::RedisSentinel;

#[test]
fn the_replica_becomes_master_on_demand() {
    let redis = RedisSentinel::start();
    assert_eq!(redis.master().port(), redis.servers()[0].port());
    redis.failover();
    assert_eq!(redis.master().port(), redis.servers()[1].port());
    let refusal = redis.servers()[0].command(&["SET", "a", "1"]).text();
    assert!(refusal.starts_with("READONLY"), "{refusal}");
}

#[test]
fn the_replica_becomes_master_when_the_master_is_gone() {
    let redis = RedisSentinel::start();
    redis.kill_master();
    redis.wait_for_master_other_than(&redis.servers()[0]);
    assert_eq!(redis.master().command(&["SET", "a", "1"]).text(), "OK");
}
