//! One node that answers, if not always as one would like.

use std::io;
use std::net::{Ipv4Addr, TcpStream};

use coderun_redis_fixture::{RedisOptions, RedisServer};
use deadpool_redis::redis::RedisResult;
use futures_util::future::join_all;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_loss_of_every_connection() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), LONG).await;
    for _ in 0..5 {
        cut_connections(&server);
        assert_eq!(ask(&lanes, &["SET", "a", "1"]).await.unwrap(), ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_make_one_connection_a_lane() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), LONG).await;
    let fill: Vec<_> = (0..8).map(|_| ask(&lanes, &["PING"])).collect();
    join_all(fill).await;
    cut_connections(&server);
    let mut connections = Connections::from_now_on(&server);
    let calls: Vec<_> = (0..200).map(|_| ask(&lanes, &["PING"])).collect();
    for answer in join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(connections.made(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_lanes_is_connected_after_many_calls() {
    let server = RedisServer::start();
    let mut connections = Connections::from_now_on(&server);
    let lanes = open(&server.url(), LONG).await;
    for _ in 0..100 {
        ask(&lanes, &["PING"]).await.unwrap();
    }
    assert_eq!(connections.made(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_script_is_sent_in_full_at_once() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), LONG).await;
    let tries = Tries::default();
    let answer = lanes.ask(|attempt| {
        tries.note(attempt);
        if attempt.script_is_known {
            command(&["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"])
        } else {
            command(&["EVAL", "return 7", "0"])
        }
    });
    assert_eq!(answer.await.unwrap(), Value::Int(7));
    assert_eq!(tries.all(), [(0, true), (0, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_nobody_ever_knows_is_not_asked_for_again() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), SHORT).await;
    let tries = Tries::default();
    let answer = lanes.ask(|attempt| {
        tries.note(attempt);
        command(&["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"])
    });
    assert!(answer.await.unwrap_err().is_unknown_script());
    assert_eq!(tries.all().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_after_a_lost_answer_knows_that_it_is_not_the_first() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), LONG).await;
    server.pause();
    let tries = Tries::default();
    let answer = lanes.ask(|attempt| {
        tries.note(attempt);
        if attempt.number == 1 {
            server.resume();
        }
        command(&["SET", "a", "1"])
    });
    assert_eq!(answer.await.unwrap(), ok());
    let tries = tries.all();
    assert!(tries.starts_with(&[(0, true), (1, true)]), "{tries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_for_good_is_not_tried_again() {
    let server = RedisServer::with(&RedisOptions {
        lines: vec!["maxmemory 1".to_owned()],
        ..RedisOptions::default()
    });
    let lanes = open(&server.url(), LONG).await;
    let tries = Tries::default();
    let answer = lanes.ask(|attempt| {
        tries.note(attempt);
        command(&["SET", "a", "1"])
    });
    let fault = answer.await.unwrap_err();
    assert!(format!("{fault:?}").contains("OOM"), "{fault:?}");
    assert_eq!(tries.all(), [(0, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_a_server_to_become_master_again_on_new_connections() {
    let (server, other) = (RedisServer::start(), RedisServer::start());
    let lanes = open(&server.url(), LONG).await;
    let port = other.port().to_string();
    drop(server.command(&["REPLICAOF", "127.0.0.1", &port]));
    let mut connections = Connections::from_now_on(&server);
    let answer = lanes.ask(|attempt| {
        if attempt.number == 3 {
            drop(server.command(&["REPLICAOF", "NO", "ONE"]));
        }
        command(&["SET", "a", "1"])
    });
    assert_eq!(answer.await.unwrap(), ok());
    // The one that made it a master again is of the fixture.
    assert!(connections.made() > 1, "no new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_outlives_the_runtime_of_the_caller_it_was_made_for() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), LONG).await;
    cut_connections(&server);
    std::thread::scope(|scope| {
        let elsewhere = scope.spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            let calls = (0..8).map(|_| ask(&lanes, &["PING"]));
            for answer in runtime.block_on(join_all(calls)) {
                answer.unwrap();
            }
        });
        elsewhere.join().unwrap();
    });
    let mut connections = Connections::from_now_on(&server);
    for _ in 0..8 {
        ask(&lanes, &["PING"]).await.unwrap();
    }
    assert_eq!(connections.made(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_cannot_be_connected_is_passed_over() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), SHORT).await;
    for lane in &lanes.all {
        assert!(lane.wait().await.is_ok());
    }
    // The fixture itself needs the fifth.
    let limit = ["CONFIG", "SET", "maxclients", "5"];
    assert_eq!(server.command(&limit).text(), "OK");
    let intruder = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    let lent = lanes.all[0].borrow().unwrap();
    let broken: RedisResult<()> = Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    assert!(lent.judge(broken).is_err());
    let calls: Vec<_> = (0..8).map(|_| ask(&lanes, &["PING"])).collect();
    for answer in join_all(calls).await {
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert!(lanes.all[0].borrow().is_none());
    drop((intruder, lent));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_is_every_node() {
    let server = RedisServer::start();
    let lanes = open(&server.url(), LONG).await;
    let answers = lanes.ask_every_node(&command(&["PING"])).await.unwrap();
    assert_eq!(answers, [Value::SimpleString("PONG".to_owned())]);
}
