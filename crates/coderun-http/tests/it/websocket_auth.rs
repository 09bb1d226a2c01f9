//! Checks that a socket outlives its token if its client sends a fresh one in time.

use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_http::HttpConfig;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::socket::Socket;

/// A token that expires now; its socket stays open for the grace.
const EXPIRING: &str = "alice@0";

/// Long enough to send another token on a slow machine.
fn grace_of_3_s(config: &mut HttpConfig) {
    config.sockets.expiry_grace = Duration::from_secs(3);
}

fn grace_of_1_s(config: &mut HttpConfig) {
    config.sockets.expiry_grace = Duration::from_secs(1);
}

/// Watches a running execution with a token that expires now.
async fn watch_expiring(config: fn(&mut HttpConfig)) -> (Server, ExecutionId, Socket) {
    let server = Server::with(config);
    let id = server.backend.running();
    let socket = server.watch_as(EXPIRING, id).await;
    (server, id, socket)
}

async fn send_token(socket: &mut Socket, token: &str) {
    let message = json!({"type": "auth", "token": token});
    socket.say(&message.to_string()).await;
}

fn expires_in_ms(notice: &Value) -> u64 {
    notice["data"]["expires_in_ms"].as_u64().unwrap()
}

#[tokio::test]
async fn an_expiring_token_is_announced_and_then_closed_with_4001() {
    let (_server, _, mut socket) = watch_expiring(grace_of_1_s).await;
    let notice = socket.next_of("auth_expiring").await;
    let left = expires_in_ms(&notice);
    assert!(left <= 1_000, "{left}");
    assert_eq!(socket.final_code().await, 4001);
}

#[tokio::test]
async fn the_notice_comes_as_early_as_configured() {
    let (_server, _, mut socket) = watch_expiring(|config| {
        grace_of_3_s(config);
        config.sockets.expiry_notice = Duration::from_secs(2);
    })
    .await;
    assert_eq!(socket.next().await["type"], "execution_update");
    let notice = socket.next().await;
    assert_eq!(notice["type"], "auth_expiring");
    let left = expires_in_ms(&notice);
    assert!(left <= 2_000, "{left}");
}

#[tokio::test]
async fn a_core_client_gets_no_notice_and_is_closed_with_4001() {
    let server = Server::with(grace_of_1_s);
    let id = server.backend.running();
    let mut socket = server.connect(&format!("{id}?token=alice@0"), &[]).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    socket.expect_close(4001, "Expired Firebase token").await;
}

#[tokio::test]
async fn a_fresh_token_keeps_the_socket_open() {
    let (server, id, mut renewed) = watch_expiring(grace_of_3_s).await;
    renewed.next_of("auth_expiring").await;
    send_token(&mut renewed, "alice@3600").await;
    // This socket is opened later, so the first token has expired when it is closed.
    let mut control = server.connect(&format!("{id}?token=alice@0"), &[]).await;
    control.next().await;
    assert_eq!(control.close_code().await, 4001);
    renewed.say("{\"type\":\"ping\"}").await;
    renewed.next_of("pong").await;
}

#[tokio::test]
async fn the_expiry_of_the_fresh_token_is_announced_again() {
    let (_server, _, mut socket) = watch_expiring(|config| {
        grace_of_3_s(config);
        config.sockets.expiry_notice = Duration::from_mins(2);
    })
    .await;
    socket.next_of("auth_expiring").await;
    send_token(&mut socket, "alice@60").await;
    let notice = socket.next_of("auth_expiring").await;
    let left = expires_in_ms(&notice);
    assert!(left > 3_000, "{left}: the new token counts");
}

#[tokio::test]
async fn a_refused_token_is_an_error_event_and_the_previous_one_stays_valid() {
    let (_server, _, mut socket) = watch_expiring(grace_of_3_s).await;
    socket.next_of("auth_expiring").await;
    for token in ["forged", "expired", "keys-down", "bob@3600"] {
        send_token(&mut socket, token).await;
        let error = socket.next_of("error").await;
        let detail = error["data"]["detail"].as_str().unwrap();
        assert!(
            detail.contains("previous token stays valid"),
            "{token}: {detail}"
        );
        assert!(!detail.contains("refused"), "{token}: {detail}");
    }
    assert_eq!(socket.final_code().await, 4001);
}

#[tokio::test]
async fn a_verification_that_takes_too_long_is_an_error_event_and_events_go_on() {
    let server = Server::with(|config| {
        config.sockets.verification = Duration::from_millis(500);
    });
    let id = server.backend.running();
    let mut socket = server.watch_since(id, 0).await;
    socket.next().await;
    socket.next().await;
    send_token(&mut socket, "slow").await;
    server.verifier.is_waiting().await;
    server.backend.write(id, "meanwhile");
    assert_eq!(socket.next().await["type"], "execution_output");
    assert_eq!(socket.next().await["type"], "error");
}
