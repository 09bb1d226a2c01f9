//! Who may not watch, and the close code that says why.

use std::sync::atomic::Ordering;
use std::time::Duration;

use coderun_domain::testing::{execution_id, finished};
use coderun_http::AllowedOrigins;
use reqwest::Method;

use crate::support::{Answer, Server, until};

/// The code with which a socket is closed after a handshake that succeeds.
async fn refusal(query: &str, headers: &[(&str, &str)]) -> u16 {
    let server = Server::start();
    let id = server.backend.running();
    let mut socket = server.connect(&format!("{id}{query}"), headers).await;
    socket.close_code().await
}

#[tokio::test]
async fn without_a_token_it_is_4001() {
    assert_eq!(refusal("", &[]).await, 4001);
    assert_eq!(refusal("?token=", &[]).await, 4001);
}

#[tokio::test]
async fn a_bad_token_is_4001() {
    assert_eq!(refusal("?token=forged", &[]).await, 4001);
    assert_eq!(refusal("?token=expired", &[]).await, 4001);
}

#[tokio::test]
async fn several_tokens_are_4001() {
    let header = [("authorization", "Bearer alice")];
    assert_eq!(refusal("?token=alice", &header).await, 4001);
    assert_eq!(refusal("?token=alice&token=alice", &[]).await, 4001);
    let offer = "execution.v1, bearer.alice, bearer.alice";
    let bearers = [("sec-websocket-protocol", offer)];
    assert_eq!(refusal("", &bearers).await, 4001);
    let two = [
        ("authorization", "Bearer alice"),
        ("authorization", "Bearer alice"),
    ];
    assert_eq!(refusal("", &two).await, 4001);
}

#[tokio::test]
async fn the_authorization_header_is_enough() {
    let server = Server::start();
    let id = server.backend.running();
    let headers = [("authorization", "Bearer alice")];
    let mut socket = server.connect(&id.to_string(), &headers).await;
    assert_eq!(socket.next().await["seq"], 2);
}

#[tokio::test]
async fn a_refused_subprotocol_token_is_not_echoed() {
    let server = Server::start();
    let id = server.backend.running();
    let headers = [("sec-websocket-protocol", "execution.v1, bearer.forged")];
    let mut socket = server.connect(&id.to_string(), &headers).await;
    assert_eq!(socket.headers["sec-websocket-protocol"], "execution.v1");
    assert_eq!(socket.close_code().await, 4001);
}

#[tokio::test]
async fn a_banned_user_is_4003() {
    assert_eq!(refusal("?token=banned", &[]).await, 4003);
}

#[tokio::test]
async fn another_users_execution_is_4003() {
    assert_eq!(refusal("?token=bob", &[]).await, 4003);
    assert_eq!(refusal("?token=bob&since=1", &[]).await, 4003);
}

#[tokio::test]
async fn an_unknown_or_malformed_id_is_4004() {
    let server = Server::start();
    for id in [
        execution_id(9).to_string(),
        "1".to_owned(),
        "%20".to_owned(),
    ] {
        let mut socket = server.connect(&format!("{id}?token=alice"), &[]).await;
        assert_eq!(socket.close_code().await, 4004, "{id}");
    }
}

#[tokio::test]
async fn a_record_that_expires_while_it_is_watched_is_4004() {
    let server = Server::start();
    let id = server.backend.running();
    let mut socket = server.watch(id).await;
    socket.next().await;
    server.backend.forget(id);
    assert_eq!(socket.close_code().await, 4004);
}

#[tokio::test]
async fn a_bad_since_is_1008() {
    for since in [
        "x",
        "-1",
        "+1",
        "1.5",
        "",
        "99999999999999999999",
        "1&since=1",
    ] {
        let query = format!("?token=alice&since={since}");
        assert_eq!(refusal(&query, &[]).await, 1008, "{since}");
    }
}

#[tokio::test]
async fn a_foreign_origin_is_1008() {
    let headers = [("origin", "http://localhost:3000")];
    assert_eq!(refusal("?token=alice", &headers).await, 1008);
}

#[tokio::test]
async fn an_allowed_origin_and_the_servers_own_may_watch() {
    let server = Server::with(|config| {
        config.origins = AllowedOrigins::List(vec!["https://play.example".to_owned()]);
    });
    let id = server.backend.running();
    for origin in ["https://play.example".to_owned(), server.url("")] {
        let headers = [("origin", origin.as_str())];
        let mut socket = server.connect(&format!("{id}?token=alice"), &headers).await;
        assert_eq!(socket.next().await["seq"], 2, "{origin}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_1013() {
    assert_eq!(refusal("?token=keys-down", &[]).await, 1013);
}

#[tokio::test]
async fn a_store_that_is_down_is_1013() {
    let server = Server::start();
    let id = server.backend.running();
    server.backend.break_down(true);
    let mut socket = server.watch(id).await;
    assert_eq!(socket.close_code().await, 1013);
}

#[tokio::test]
async fn a_verification_that_takes_too_long_is_1013() {
    let server = Server::with(|config| {
        config.sockets.verification = Duration::from_millis(30);
    });
    let id = server.backend.running();
    let mut socket = server.connect(&format!("{id}?token=slow"), &[]).await;
    assert_eq!(socket.close_code().await, 1013);
}

#[tokio::test]
async fn a_defect_is_1011() {
    assert_eq!(refusal("?token=defect", &[]).await, 1011);
}

#[tokio::test]
async fn a_token_that_expires_while_watching_is_4001() {
    let server = Server::with(|config| {
        config.sockets.expiry_grace = Duration::from_millis(50);
    });
    let id = server.backend.add(execution_id(3), "brief", 0);
    let mut socket = server.connect(&format!("{id}?token=brief"), &[]).await;
    assert_eq!(socket.next().await["seq"], 1);
    let frame = socket.close_frame().await;
    assert_eq!(u16::from(frame.code), 4001);
    assert_eq!(frame.reason.as_str(), "Expired Firebase token");
}

#[tokio::test]
async fn while_draining_it_is_1012() {
    let server = Server::start();
    let id = server.backend.running();
    let mut waiting = server.connect(&format!("{id}?token=slow"), &[]).await;
    until(|| server.verifier.stuck.load(Ordering::SeqCst) == 1).await;
    server.draining.cancel();
    assert_eq!(waiting.close_code().await, 1012);
}

#[tokio::test]
async fn a_request_without_an_upgrade_is_a_problem() {
    let server = Server::start();
    let id = server.backend.add(execution_id(2), "alice", 0);
    server.backend.start(id);
    server.backend.finish(id, finished());
    let path = format!("/api/v1/executions/ws/{id}?token=alice");
    let answer = server.get_anonymously(&path).await;
    answer.problem(400);
    let request = server
        .client
        .request(Method::GET, server.url(&path))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "12");
    let answer = Answer::to(request).await;
    answer.problem(426);
    assert_eq!(answer.header("sec-websocket-version"), "13");
}
