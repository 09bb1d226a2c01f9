//! Who gets no stream of events, and how one ends.

use std::time::Duration;

use coderun_domain::testing::execution_id;
use reqwest::Method;

use crate::support::event_source::EventSource;
use crate::support::{Answer, Server, until};

#[tokio::test]
async fn the_token_may_stand_in_the_query() {
    let server = Server::start();
    let id = server.backend.running();
    let request = server.events_of_anybody(id, "?token=alice");
    let mut events = EventSource::open(request).await;
    assert_eq!(events.next().await.kind(), ("execution_update", "2"));
}

#[tokio::test]
async fn without_a_good_token_nobody_is_told_anything() {
    let server = Server::start();
    let id = server.backend.running();
    for (query, reason) in [
        ("", "missing"),
        ("?token=", "missing"),
        ("?token=forged", "signature"),
        ("?token=expired", "expired"),
        ("?ticket=unknown", "ticket"),
    ] {
        let answer = Server::refused(server.events_of_anybody(id, query), 401).await;
        assert_eq!(answer.json()["reason"], reason, "{query}");
        assert_ne!(answer.header("www-authenticate"), "", "{query}");
    }
    for query in ["?token=alice", "?ticket=x"] {
        let answer = Server::refused(server.events(id, query), 400).await;
        assert_eq!(answer.json()["reason"], "ambiguous-token", "{query}");
    }
    Server::refused(server.events_of_anybody(id, "?token=keys-down"), 503).await;
}

#[tokio::test]
async fn another_users_execution_is_denied_and_an_unknown_one_not_found() {
    let server = Server::start();
    let other = server.backend.add(execution_id(5), "bob", 0);
    Server::refused(server.events(other, ""), 403).await;
    Server::refused(server.events(execution_id(9), ""), 404).await;
    let answer = server.get("/api/v1/executions/events/1").await;
    answer.problem(404);
    let answer = server
        .ask(Method::POST, "/api/v1/executions/events/1")
        .await;
    answer.problem(405);
    assert_eq!(answer.header("allow"), "GET");
}

#[tokio::test]
async fn a_verification_that_takes_too_long_is_given_up() {
    let server = Server::with(|config| {
        config.sockets.verification = Duration::from_millis(30);
    });
    let id = server.backend.running();
    Server::refused(server.events_of_anybody(id, "?token=slow"), 503).await;
}

#[tokio::test]
async fn a_stream_counts_among_the_sockets() {
    let server = Server::with(|config| {
        config.sockets.per_user_max = 1;
        config.sockets.total_max = 2;
        config.sockets.comment_interval = Duration::from_millis(20);
    });
    let id = server.backend.running();
    let other = server.backend.add(execution_id(7), "bob", 0);
    let mut events = EventSource::open(server.events(id, "")).await;
    events.next().await;
    let answer = Server::refused(server.events(id, ""), 429).await;
    assert_ne!(answer.header("retry-after"), "");
    let others = server.events_of_anybody(other, "?token=bob");
    let mut others = EventSource::open(others).await;
    others.next().await;
    Server::refused(server.events_of_anybody(other, "?token=carol"), 503).await;
    assert_eq!(server.watch(id).await.close_code().await, 1013);
    drop(events);
    until(|| server.backend.watchers() == 1).await;
    let mut again = EventSource::open(server.events(id, "")).await;
    again.next().await;
}

#[tokio::test]
async fn it_ends_with_its_token_after_a_notice() {
    let server = Server::with(|config| {
        config.sockets.expiry_grace = Duration::from_secs(1);
    });
    let id = server.backend.running();
    let request = server.events_of_anybody(id, "?token=alice@0");
    let mut events = EventSource::open(request).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(events.next().await.event.unwrap());
    }
    told.sort();
    assert_eq!(told, ["auth_expiring", "execution_update"]);
    events.ends().await;
    // Whoever asks again with that token learns why.
    Server::refused(server.events_of_anybody(id, "?token=expired"), 401).await;
}

#[tokio::test]
async fn it_says_that_the_server_goes_away_and_goes_on_until_it_ends() {
    let server = Server::start();
    let id = server.backend.running();
    let mut events = EventSource::open(server.events(id, "")).await;
    events.next().await;
    server.going_away.cancel();
    let notice = events.next().await;
    assert_eq!(notice.kind(), ("going_away", ""));
    let within = notice.data["data"]["reconnect_within_ms"].as_u64();
    assert!(within.unwrap() <= 30_000, "{within:?}");
    server.backend.write(id, "more");
    assert_eq!(events.next().await.kind(), ("execution_output", "3"));
    server.draining.cancel();
    events.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn it_says_that_the_server_goes_away_even_where_it_ends_at_once() {
    let server = Server::start();
    let id = server.backend.running();
    let mut events = EventSource::open(server.events(id, "")).await;
    events.next().await;
    server.draining.cancel();
    assert_eq!(events.next().await.kind(), ("going_away", ""));
    events.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn it_ends_when_the_record_is_gone_and_then_there_is_none() {
    let server = Server::start();
    let id = server.backend.running();
    let mut events = EventSource::open(server.events(id, "")).await;
    events.next().await;
    server.backend.forget(id);
    events.ends().await;
    Server::refused(server.events(id, ""), 404).await;
}

#[tokio::test]
async fn a_store_that_is_down_is_503() {
    let server = Server::start();
    let id = server.backend.finished();
    server.backend.break_down(true);
    Server::refused(server.events(id, ""), 503).await;
    server.backend.break_down(false);
    let answer = Answer::to(server.events(id, "?since=3")).await;
    assert_eq!(answer.status, 204);
}
