//! Tests calls to a master that Sentinels name.

use coderun_redis_fixture::RedisSentinel;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_goes_to_the_new_master_after_a_failover() {
    let redis = RedisSentinel::start();
    let connections = open(&redis.url(), LONG).await;
    assert_set(&connections).await;
    redis.failover();
    assert_eq!(
        call(&connections, &["SET", "a", "2"]).await.unwrap(),
        Value::Okay
    );
    assert_eq!(redis.servers()[1].command(&["GET", "a"]).text(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_write_waits_while_a_master_is_lost_and_another_is_found() {
    let redis = RedisSentinel::start();
    let connections = open(&redis.url(), LONG).await;
    redis.kill_master();
    assert_set(&connections).await;
    assert_eq!(redis.servers()[1].command(&["GET", "a"]).text(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_write_waits_while_a_master_hangs_and_another_is_found() {
    let redis = RedisSentinel::start();
    let connections = open(&redis.url(), LONG).await;
    redis.servers()[0].pause();
    assert_set(&connections).await;
    assert_eq!(redis.servers()[1].command(&["GET", "a"]).text(), "1");
    redis.servers()[0].resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentinel_that_hangs_does_not_keep_others_from_answering() {
    let redis = RedisSentinel::start();
    redis.sentinels()[0].pause();
    let opened = SharedConnections::open(&config(&redis.url(), SHORT)).await;
    redis.sentinels()[0].resume();
    assert!(opened.is_ok(), "{:?}", opened.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentinel_that_is_gone_does_not_keep_others_from_answering() {
    let redis = RedisSentinel::start();
    redis.sentinels()[0].kill();
    let opened = SharedConnections::open(&config(&redis.url(), SHORT)).await;
    assert!(opened.is_ok(), "{:?}", opened.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_master_name_is_an_error() {
    let redis = RedisSentinel::start();
    let url = redis.url().replace(RedisSentinel::MASTER_NAME, "nobody");
    assert!(SharedConnections::open(&config(&url, SHORT)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_was_demoted_is_not_used() {
    let redis = RedisSentinel::start();
    let port = redis.servers()[1].port().to_string();
    let demoted = redis.servers()[0].command(&["REPLICAOF", "127.0.0.1", &port]);
    assert_eq!(demoted.text(), "OK");
    // The Sentinels still name it, and see only later what has become of it.
    let opened = SharedConnections::open(&config(&redis.url(), SHORT)).await;
    assert!(opened.is_err());
}
