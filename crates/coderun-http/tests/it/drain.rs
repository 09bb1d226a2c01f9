//! How the server ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Server, in_time, until};

#[tokio::test]
async fn sockets_are_told_to_reconnect_and_the_server_ends() {
    let server = Server::start();
    let id = server.backend.running();
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = server.watch(id).await;
        socket.next().await;
        sockets.push(socket);
    }
    server.draining.cancel();
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 1012);
    }
    drop(sockets);
    server.stop().await;
}

#[tokio::test]
async fn what_is_being_answered_is_answered() {
    let server = Server::start();
    let request = server
        .client
        .get(server.url("/api/v1/auth/verify"))
        .bearer_auth("patient");
    let asking = async {
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, 200);
    };
    let draining = async {
        until(|| server.verifier.stuck.load(Ordering::SeqCst) == 1).await;
        server.draining.cancel();
        server.verifier.release.notify_one();
    };
    tokio::join!(asking, draining);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_about_to_end_is_not_ready_and_accepts_nothing() {
    let server = Server::start();
    server.leaving.cancel();
    let answer = server.get_anonymously("/health/ready").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["status"], "not ready");
    assert_eq!(answer.json()["checks"]["store"]["status"], "ok");
    let submission = json!({"code": "x", "language": "python"});
    server.submit(&submission).await.problem(503);
    assert_eq!(server.get_anonymously("/health/").await.status, 200);
}

#[tokio::test]
async fn a_socket_that_does_not_answer_does_not_keep_the_server() {
    let server = Server::with(|config| {
        config.timeouts.drain = Duration::from_secs(1);
    });
    let id = server.backend.running();
    let mut socket = server.watch(id).await;
    socket.next().await;
    // It never reads the close frame and never closes on its side.
    in_time(server.stop()).await;
}

const PROTOCOL: [(&str, &str); 1] = [("sec-websocket-protocol", "execution.v1, bearer.alice")];

#[tokio::test]
async fn sockets_are_told_once_that_the_server_goes_away_and_go_on() {
    let server = Server::start();
    let id = server.backend.running();
    let mut socket = server.connect(&id.to_string(), &PROTOCOL).await;
    socket.next().await;
    server.going_away.cancel();
    let notice = socket.next().await;
    assert_eq!(notice["type"], "going_away");
    let within = notice["data"]["reconnect_within_ms"].as_u64();
    assert!(within.unwrap() <= 30_000, "{within:?}");
    server.backend.write(id, "more");
    assert_eq!(socket.next().await["type"], "execution_output");
    server.draining.cancel();
    assert_eq!(socket.close_code().await, 1012);
    server.stop().await;
}

#[tokio::test]
async fn where_the_server_ends_at_once_sockets_are_told_before_they_are_closed() {
    let server = Server::start();
    let id = server.backend.running();
    let mut socket = server.connect(&id.to_string(), &PROTOCOL).await;
    socket.next().await;
    server.draining.cancel();
    assert_eq!(socket.next().await["type"], "going_away");
    assert_eq!(socket.close_code().await, 1012);
    server.stop().await;
}

#[tokio::test]
async fn new_sockets_are_taken_while_the_server_goes_away_and_told_at_once() {
    let server = Server::start();
    let id = server.backend.running();
    server.going_away.cancel();
    let mut socket = server.connect(&id.to_string(), &PROTOCOL).await;
    assert_eq!(socket.next().await["type"], "going_away");
    assert_eq!(socket.next().await["type"], "execution_update");
}

#[tokio::test]
async fn old_clients_hear_nothing_of_it_but_1012() {
    let server = Server::start();
    let id = server.backend.running();
    let mut socket = server.watch(id).await;
    socket.next().await;
    server.going_away.cancel();
    server.backend.start_again(id);
    assert_eq!(socket.next().await["seq"], 3);
    server.draining.cancel();
    assert_eq!(socket.close_code().await, 1012);
}

#[tokio::test]
async fn while_the_server_goes_away_nothing_is_accepted() {
    let server = Server::start();
    server.going_away.cancel();
    let submission = json!({"code": "x", "language": "python"});
    server.submit(&submission).await.problem(503);
}
