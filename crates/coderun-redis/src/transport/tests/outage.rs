//! Tests calls to one node that does not answer.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use coderun_domain::ErrorChain;
use coderun_redis_fixture::{RedisOptions, RedisServer};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_server_that_is_gone_fails_in_time_and_succeeds_once_it_is_back() {
    let (server, transport) = start(SHORT).await;
    server.kill();
    assert_fails_in_time(&transport, &["SET", "a", "1"]).await;
    server.restart();
    assert_set(&transport).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_paused_server_fails_in_time_and_succeeds_once_it_goes_on() {
    let (server, transport) = start(SHORT).await;
    server.pause();
    assert_fails_in_time(&transport, &["SET", "a", "1"]).await;
    assert_fails_in_time(&transport, &["SET", "a", "1"]).await;
    server.resume();
    assert_set(&transport).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_fails_in_time_even_if_an_answer_may_take_longer() {
    let server = RedisServer::start();
    let mut config = config(&server.url(), SHORT);
    config.response_timeout = LONG;
    let transport = Transport::open(&config, scripts()).unwrap();
    server.pause();
    assert_fails_in_time(&transport, &["PING"]).await;
    server.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_many_calls_to_a_paused_server_fail_in_time() {
    let (server, transport) = start(SHORT).await;
    server.pause();
    let calls = (0..200).map(|_| assert_fails_in_time(&transport, &["PING"]));
    join_all(calls).await;
    server.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_every_master_ends_within_its_patience() {
    let (server, transport) = start(SHORT).await;
    server.pause();
    let start = Instant::now();
    assert!(
        transport
            .probe_every_master(&command(&["PING"]))
            .await
            .is_err()
    );
    assert!(start.elapsed() < SHORT + TOLERANCE, "{:?}", start.elapsed());
    server.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_loading_is_waited_for() {
    let server = Arc::new(RedisServer::with(&RedisOptions {
        append_only: true,
        ..RedisOptions::with_lines(&[
            "enable-debug-command yes",
            // In microseconds for each key, two seconds in all.
            "key-load-delay 10000",
            // In bytes: the server answers clients between any two keys.
            "loading-process-events-interval-bytes 1024",
            "rdbcompression no",
        ])
    }));
    let transport = open(&server.url(), LONG).await;
    drop(server.command(&["DEBUG", "POPULATE", "200", "key", "1100"]));
    drop(server.command(&["BGREWRITEAOF"]));
    while server.info("aof_rewrite_in_progress").as_deref() != Some("0") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill();
    let restarting = Arc::clone(&server);
    let restarting = tokio::task::spawn_blocking(move || restarting.restart());
    while TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let state = server.command(&["PING"]).text();
    assert!(state.starts_with("LOADING"), "{state}");
    assert_set(&transport).await;
    restarting.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_do_not_storm_a_server_that_turns_them_away() {
    let (server, transport) = start(SHORT).await;
    server.kill();
    let turned_away = AtomicUsize::new(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let turn_away = async {
        while let Ok((stream, _)) = listener.accept().await {
            turned_away.fetch_add(1, Ordering::Relaxed);
            drop(stream);
        }
    };
    let calls = join_all((0..500).map(|_| call(&transport, &["PING"])));
    tokio::select! {
        answers = calls => assert!(answers.iter().all(Result::is_err)),
        () = turn_away => panic!("cannot accept"),
    }
    // The connection is tried every few milliseconds at first, and four times a second later.
    let count = turned_away.into_inner();
    assert!(count <= 20, "{count} transport in a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_a_server_that_is_gone_are_not_opened() {
    let server = RedisServer::start();
    server.kill();
    let start = Instant::now();
    assert!(try_open(&server.url(), SHORT).await.is_err());
    assert!(start.elapsed() < SHORT + TOLERANCE, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_fails_at_once_and_is_not_repeated() {
    let server = RedisServer::with(&RedisOptions {
        password: Some("hush".to_owned()),
        ..RedisOptions::default()
    });
    let url = server.url().replace("hush", "guess");
    let start = Instant::now();
    let opened = try_open(&url, LONG).await;
    let Err(error) = opened else {
        panic!("a wrong password was taken")
    };
    assert!(start.elapsed() < LONG / 2, "{:?}", start.elapsed());
    let shown = format!("{} {error:?}", ErrorChain(&error));
    assert!(!shown.contains("guess"), "{shown}");
}

/// Each attempt is a line in the log of the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_the_password_is_asked_again_a_second_later() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.await.unwrap();
    let url = format!("redis://:guess@{}", listener.local_addr().unwrap());
    let _transport = Transport::open(&config(&url, SHORT), scripts()).unwrap();
    let mut times = Vec::new();
    for _ in 0..2 {
        let accepted = tokio::time::timeout(LONG, listener.accept());
        let (mut connection, _) = accepted.await.expect("it tries again").unwrap();
        times.push(Instant::now());
        // One for each command that introduces the client.
        let refusals = "-WRONGPASS invalid username-password pair\r\n".repeat(8);
        connection.write_all(refusals.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        drop(connection.read_to_end(&mut rest).await);
    }
    let waited = times[1] - times[0];
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_at_a_tls_address_is_an_error() {
    let server = RedisServer::start();
    let url = server.url().replace("redis://", "rediss://");
    let opened = try_open(&url, SHORT).await;
    assert!(
        matches!(opened, Err(CommandError::Connect(_))),
        "{:?}",
        opened.err()
    );
}
