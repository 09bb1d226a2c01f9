//! Tests calls to one node that answers.

use std::io;
use std::net::{Ipv4Addr, TcpStream};

use coderun_redis_fixture::RedisServer;
use deadpool_redis::redis::RedisResult;
use futures_util::future::join_all;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_loss_of_every_connection() {
    let (server, connections) = start(LONG).await;
    for _ in 0..5 {
        cut_connections(&server);
        assert_set(&connections).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_one_attempt_to_reconnect() {
    let (server, connections) = start(LONG).await;
    let fill: Vec<_> = (0..8).map(|_| call(&connections, &["PING"])).collect();
    join_all(fill).await;
    cut_connections(&server);
    let mut count = ConnectionCount::from_now_on(&server);
    let calls: Vec<_> = (0..200).map(|_| call(&connections, &["PING"])).collect();
    for answer in join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(count.made(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_make_no_further_connection() {
    let server = RedisServer::start();
    let mut count = ConnectionCount::from_now_on(&server);
    let connections = open(&server.url(), LONG).await;
    for _ in 0..100 {
        call(&connections, &["PING"]).await.unwrap();
    }
    assert_eq!(count.made(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_script_is_sent_in_full_at_once() {
    let (_server, connections) = start(LONG).await;
    let attempts = Attempts::default();
    let answer = connections.call(|attempt| {
        attempts.record(attempt);
        if attempt.script_is_known {
            command(&["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"])
        } else {
            command(&["EVAL", "return 7", "0"])
        }
    });
    assert_eq!(answer.await.unwrap(), Value::Int(7));
    assert_eq!(attempts.all(), [(0, true), (0, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_stays_unknown_is_sent_twice_only() {
    let (_server, connections) = start(SHORT).await;
    let attempts = Attempts::default();
    let answer = connections.call(|attempt| {
        attempts.record(attempt);
        command(&["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"])
    });
    assert!(answer.await.unwrap_err().is_unknown_script());
    assert_eq!(attempts.all().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_after_a_lost_answer_has_a_higher_number() {
    let (server, connections) = start(LONG).await;
    server.pause();
    let attempts = Attempts::default();
    let answer = connections.call(|attempt| {
        attempts.record(attempt);
        if attempt.number == 1 {
            server.resume();
        }
        command(&["SET", "a", "1"])
    });
    assert_eq!(answer.await.unwrap(), Value::Okay);
    let attempts = attempts.all();
    assert!(
        attempts.starts_with(&[(0, true), (1, true)]),
        "{attempts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_refusal_is_not_retried() {
    let server = RedisServer::with_lines(&["maxmemory 1"]);
    let connections = open(&server.url(), LONG).await;
    let attempts = Attempts::default();
    let answer = connections.call(|attempt| {
        attempts.record(attempt);
        command(&["SET", "a", "1"])
    });
    let error = answer.await.unwrap_err();
    assert!(format!("{error:?}").contains("OOM"), "{error:?}");
    assert_eq!(attempts.all(), [(0, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_a_server_to_become_master_again_on_new_connections() {
    let (server, other) = (RedisServer::start(), RedisServer::start());
    let connections = open(&server.url(), LONG).await;
    let port = other.port().to_string();
    drop(server.command(&["REPLICAOF", "127.0.0.1", &port]));
    let mut count = ConnectionCount::from_now_on(&server);
    let answer = connections.call(|attempt| {
        if attempt.number == 3 {
            drop(server.command(&["REPLICAOF", "NO", "ONE"]));
        }
        command(&["SET", "a", "1"])
    });
    assert_eq!(answer.await.unwrap(), Value::Okay);
    // The one that made it a master again is of the fixture.
    assert!(count.made() > 1, "no new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_outlives_the_runtime_of_the_caller_it_was_made_for() {
    let (server, connections) = start(LONG).await;
    cut_connections(&server);
    std::thread::scope(|scope| {
        let elsewhere = scope.spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            let calls = (0..8).map(|_| call(&connections, &["PING"]));
            for answer in runtime.block_on(join_all(calls)) {
                answer.unwrap();
            }
        });
        elsewhere.join().unwrap();
    });
    let mut count = ConnectionCount::from_now_on(&server);
    for _ in 0..8 {
        call(&connections, &["PING"]).await.unwrap();
    }
    assert_eq!(count.made(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_be_made_is_skipped() {
    let (server, connections) = start(SHORT).await;
    for connection in &connections.all {
        assert!(connection.wait_for_handle().await.is_ok());
    }
    // The fixture itself needs the fifth.
    let limit = ["CONFIG", "SET", "maxclients", "5"];
    assert_eq!(server.command(&limit).text(), "OK");
    let intruder = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    let handle = connections.all[0].try_handle().unwrap();
    let broken: RedisResult<()> = Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    assert!(handle.check(broken).is_err());
    let calls: Vec<_> = (0..8).map(|_| call(&connections, &["PING"])).collect();
    for answer in join_all(calls).await {
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert!(connections.all[0].try_handle().is_none());
    drop((intruder, handle));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_is_every_master() {
    let (_server, connections) = start(LONG).await;
    let answers = connections
        .call_every_master(&command(&["PING"]))
        .await
        .unwrap();
    assert_eq!(answers, [Value::SimpleString("PONG".to_owned())]);
}
