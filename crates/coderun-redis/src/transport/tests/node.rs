//! Tests calls to one node that answers.

use coderun_redis_fixture::RedisServer;
use futures_util::future::join_all;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_loss_of_every_connection() {
    let (server, transport) = start(LONG).await;
    for _ in 0..5 {
        cut_connections(&server);
        assert_set(&transport).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_one_attempt_to_reconnect() {
    let (server, transport) = start(LONG).await;
    let fill: Vec<_> = (0..8).map(|_| call(&transport, &["PING"])).collect();
    join_all(fill).await;
    cut_connections(&server);
    let mut count = ConnectionCount::from_now_on(&server);
    let calls: Vec<_> = (0..200).map(|_| call(&transport, &["PING"])).collect();
    for answer in join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(count.made(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_make_no_further_connection() {
    let server = RedisServer::start();
    let mut count = ConnectionCount::from_now_on(&server);
    let transport = open(&server.url(), LONG).await;
    for _ in 0..100 {
        call(&transport, &["PING"]).await.unwrap();
    }
    assert_eq!(count.made(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_refusal_is_not_retried() {
    let server = RedisServer::with_lines(&["maxmemory 1"]);
    let transport = open(&server.url(), LONG).await;
    let error = set(&transport).await.unwrap_err();
    assert!(format!("{error:?}").contains("OOM"), "{error:?}");
    let refused = server.info("cmdstat_set").unwrap();
    assert!(refused.contains("rejected_calls=1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_a_server_to_become_master_again_on_new_connections() {
    let (server, other) = (RedisServer::start(), RedisServer::start());
    let transport = open(&server.url(), LONG).await;
    let port = other.port().to_string();
    drop(server.command(&["REPLICAOF", "127.0.0.1", &port]));
    let mut count = ConnectionCount::from_now_on(&server);
    let promote_later = async {
        while count.made() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(server.command(&["REPLICAOF", "NO", "ONE"]));
    };
    let (answer, ()) = tokio::join!(set(&transport), promote_later);
    assert_eq!(answer.unwrap(), Value::Okay);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_is_every_master() {
    let (_server, transport) = start(LONG).await;
    let answers = transport
        .probe_every_master(&command(&["PING"]))
        .await
        .unwrap();
    assert_eq!(answers, [Value::SimpleString("PONG".to_owned())]);
}
