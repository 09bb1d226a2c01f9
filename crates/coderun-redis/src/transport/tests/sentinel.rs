//! Tests calls to a master that Sentinels name.

use coderun_redis_fixture::{RedisSentinel, RedisServer};
use rstest::rstest;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_goes_to_the_new_master_after_a_failover() {
    let redis = RedisSentinel::start();
    let transport = open(&redis.url(), LONG).await;
    assert_set(&transport).await;
    redis.failover();
    let set = call(&transport, &["SET", "a", "2"]).await;
    assert_eq!(set.unwrap(), Value::Okay);
    assert_eq!(redis.servers()[1].command(&["GET", "a"]).text(), "2");
}

#[rstest]
#[case::is_gone(RedisServer::kill)]
#[case::hangs(RedisServer::pause)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_a_new_master(#[case] lose: fn(&RedisServer)) {
    let redis = RedisSentinel::start();
    let transport = open(&redis.url(), LONG).await;
    lose(&redis.servers()[0]);
    assert_set(&transport).await;
    assert_eq!(redis.servers()[1].command(&["GET", "a"]).text(), "1");
}

#[rstest]
#[case::is_gone(RedisServer::kill)]
#[case::hangs(RedisServer::pause)]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_sentinel_does_not_keep_others_from_answering(#[case] lose: fn(&RedisServer)) {
    let redis = RedisSentinel::start();
    lose(&redis.sentinels()[0]);
    let opened = try_open(&redis.url(), SHORT).await;
    assert!(opened.is_ok(), "{:?}", opened.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_master_name_is_an_error() {
    let redis = RedisSentinel::start();
    let url = redis.url().replace(RedisSentinel::MASTER_NAME, "nobody");
    assert!(try_open(&url, SHORT).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_was_demoted_is_not_used() {
    let redis = RedisSentinel::start();
    let port = redis.servers()[1].port().to_string();
    let demoted = redis.servers()[0].command(&["REPLICAOF", "127.0.0.1", &port]);
    assert_eq!(demoted.text(), "OK");
    // The Sentinels still name it, and see only later what has become of it.
    let opened = try_open(&redis.url(), SHORT).await;
    assert!(opened.is_err());
}
