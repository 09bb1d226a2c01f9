//! A socket outlives its token if its client brings another in time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::socket::Socket;
use coderun_domain::ExecutionId;
use coderun_http::HttpConfig;

/// Opens a socket with a token that is good until this second, which is now, and for the grace.
async fn open(server: &Server, id: ExecutionId) -> Socket {
    let protocol = [("sec-websocket-protocol", "execution.v1, bearer.alice@0")];
    server.connect(&id.to_string(), &protocol).await
}

/// As long as it takes to bring another token, on a slow machine too.
fn brief(config: &mut HttpConfig) {
    config.sockets.expiry_grace = Duration::from_secs(3);
}

fn very_brief(config: &mut HttpConfig) {
    config.sockets.expiry_grace = Duration::from_secs(1);
}

async fn bring(socket: &mut Socket, token: &str) {
    let message = json!({"type": "auth", "token": token});
    socket.say(&message.to_string()).await;
}

async fn next_of(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let message = socket.next().await;
        if message["type"] == kind {
            return message;
        }
    }
}

#[tokio::test]
async fn the_end_of_the_token_is_announced_and_then_it_is_4001() {
    let server = Server::with(very_brief);
    let id = server.backend.running();
    let mut socket = open(&server, id).await;
    let notice = next_of(&mut socket, "auth_expiring").await;
    let left = notice["data"]["expires_in_ms"].as_u64().unwrap();
    assert!(left <= 1_000, "{left}");
    assert_eq!(socket.final_code().await, 4001);
}

#[tokio::test]
async fn a_token_that_is_good_for_long_is_not_announced_to_end() {
    let server = Server::start();
    let id = server.backend.running();
    let protocol = [("sec-websocket-protocol", "execution.v1, bearer.alice")];
    let mut socket = server.connect(&id.to_string(), &protocol).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    socket.say("{\"type\":\"ping\"}").await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn it_is_announced_as_long_before_as_is_set() {
    let server = Server::with(|config| {
        brief(config);
        config.sockets.expiry_notice = Duration::from_secs(2);
    });
    let id = server.backend.running();
    let mut socket = open(&server, id).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    let notice = socket.next().await;
    assert_eq!(notice["type"], "auth_expiring");
    let left = notice["data"]["expires_in_ms"].as_u64().unwrap();
    assert!(left <= 2_000, "{left}");
}

#[tokio::test]
async fn an_old_client_is_not_told_and_closed_with_4001() {
    let server = Server::with(very_brief);
    let id = server.backend.running();
    let mut socket = server.connect(&format!("{id}?token=alice@0"), &[]).await;
    assert_eq!(socket.next().await["type"], "execution_update");
    assert_eq!(socket.close_code().await, 4001);
}

#[tokio::test]
async fn with_a_fresh_token_it_goes_on() {
    let server = Server::with(brief);
    let id = server.backend.running();
    let mut renewed = open(&server, id).await;
    next_of(&mut renewed, "auth_expiring").await;
    bring(&mut renewed, "alice@3600").await;
    // This one was opened later, so that the first token has ended when it is closed.
    let mut control = server.connect(&format!("{id}?token=alice@0"), &[]).await;
    control.next().await;
    assert_eq!(control.close_code().await, 4001);
    renewed.say("{\"type\":\"ping\"}").await;
    next_of(&mut renewed, "pong").await;
}

#[tokio::test]
async fn the_end_of_the_fresh_token_is_announced_again() {
    let server = Server::with(|config| {
        brief(config);
        config.sockets.expiry_notice = Duration::from_mins(2);
    });
    let id = server.backend.running();
    let mut socket = open(&server, id).await;
    next_of(&mut socket, "auth_expiring").await;
    bring(&mut socket, "alice@60").await;
    let notice = next_of(&mut socket, "auth_expiring").await;
    let left = notice["data"]["expires_in_ms"].as_u64().unwrap();
    assert!(left > 3_000, "{left}: the new token counts");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_an_error_event_and_the_one_before_holds() {
    let server = Server::with(brief);
    let id = server.backend.running();
    let mut socket = open(&server, id).await;
    next_of(&mut socket, "auth_expiring").await;
    for token in ["forged", "expired", "keys-down", "bob@3600"] {
        bring(&mut socket, token).await;
        let error = next_of(&mut socket, "error").await;
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
async fn a_message_without_a_token_is_an_error_event() {
    let server = Server::start();
    let id = server.backend.running();
    let mut socket = open(&server, id).await;
    for message in ["{\"type\":\"auth\"}", "{\"type\":\"auth\",\"token\":5}"] {
        socket.say(message).await;
        next_of(&mut socket, "error").await;
    }
}

#[tokio::test]
async fn a_verification_that_takes_too_long_is_an_error_event_and_events_go_on() {
    let server = Server::with(|config| {
        config.sockets.verification = Duration::from_millis(500);
    });
    let id = server.backend.running();
    let mut socket = server.watch_all(id).await;
    socket.next().await;
    socket.next().await;
    bring(&mut socket, "slow").await;
    crate::support::until(|| {
        let stuck = &server.verifier.stuck;
        stuck.load(std::sync::atomic::Ordering::SeqCst) == 1
    })
    .await;
    server.backend.write(id, "meanwhile");
    assert_eq!(socket.next().await["type"], "execution_output");
    assert_eq!(socket.next().await["type"], "error");
}
