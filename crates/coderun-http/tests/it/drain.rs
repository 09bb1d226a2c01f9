//! Checks how the server goes away and ends.

use std::time::Duration;

use rstest::rstest;

use crate::support::request::valid;
use crate::support::{Server, in_time};

#[tokio::test]
async fn open_sockets_are_closed_with_1012_and_the_server_ends() {
    let (server, id) = Server::running();
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = server.watch(id).await;
        socket.next().await;
        sockets.push(socket);
    }
    server.drain.end.cancel();
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 1012);
    }
    drop(sockets);
    server.stop().await;
}

#[tokio::test]
async fn a_running_request_is_answered() {
    let server = Server::start();
    let requesting = async {
        let request = server.get("/api/v1/auth/verify").token("patient");
        assert_eq!(request.await.status, 200);
    };
    let draining = async {
        server.verifier.is_waiting().await;
        server.drain.end.cancel();
        server.verifier.release.notify_one();
    };
    tokio::join!(requesting, draining);
    server.stop().await;
}

#[tokio::test]
async fn a_draining_process_is_healthy_but_not_ready() {
    let server = Server::start();
    server.not_ready.cancel();
    let answer = server.get("/health/ready").anonymous().await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["status"], "not ready");
    assert_eq!(answer.json()["checks"]["store"]["status"], "ok");
    assert_eq!(server.get("/health/").anonymous().await.status, 200);
}

#[rstest]
#[case::not_ready(|server: &Server| server.not_ready.cancel())]
#[case::going_away(|server: &Server| server.drain.going_away.cancel())]
#[tokio::test]
async fn a_draining_process_accepts_no_submission(#[case] signal: fn(&Server)) {
    let server = Server::start();
    signal(&server);
    server.submit(&valid()).await.problem(503);
}

#[tokio::test]
async fn a_silent_socket_does_not_keep_the_server_from_ending() {
    let (server, _, _socket) = Server::with(|config| {
        config.timeouts.drain = Duration::from_secs(1);
    })
    .watch_running()
    .await;
    // It never reads the close frame and never closes on its side.
    in_time(server.stop()).await;
}

#[tokio::test]
async fn a_socket_is_told_once_that_the_server_goes_away_and_stays_open() {
    let (server, id, mut socket) = Server::start().watch_running_full().await;
    server.drain.going_away.cancel();
    let notice = socket.next().await;
    assert_eq!(notice["type"], "going_away");
    let within = notice["data"]["reconnect_within_ms"].as_u64();
    assert!(within.unwrap() <= 30_000, "{within:?}");
    server.backend.write(id, "more");
    assert_eq!(socket.next().await["type"], "execution_output");
    server.drain.end.cancel();
    assert_eq!(socket.close_code().await, 1012);
    server.stop().await;
}

#[tokio::test]
async fn a_socket_is_told_that_the_server_goes_away_before_a_sudden_end() {
    let (server, _, mut socket) = Server::start().watch_running_full().await;
    server.drain.end.cancel();
    assert_eq!(socket.next().await["type"], "going_away");
    assert_eq!(socket.close_code().await, 1012);
    server.stop().await;
}

#[tokio::test]
async fn a_new_socket_is_told_at_once_that_the_server_goes_away() {
    let (server, id) = Server::running();
    server.drain.going_away.cancel();
    let mut socket = server.watch_full(id).await;
    assert_eq!(socket.next().await["type"], "going_away");
    assert_eq!(socket.next().await["type"], "execution_update");
}

#[tokio::test]
async fn a_core_client_only_gets_the_close_code_1012() {
    let (server, id, mut socket) = Server::start().watch_running().await;
    server.drain.going_away.cancel();
    server.backend.start_again(id);
    assert_eq!(socket.next().await["seq"], 3);
    server.drain.end.cancel();
    assert_eq!(socket.close_code().await, 1012);
}
