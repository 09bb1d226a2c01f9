//! Checks refused event streams, and how a stream ends.

use std::time::Duration;

use coderun_domain::testing::execution_id;
use rstest::rstest;

use crate::support::Server;
use crate::support::event_source::EventSource;

#[tokio::test]
async fn the_token_may_stand_in_the_query() {
    let server = Server::start();
    let request = server.events(server.backend.running(), "?token=alice");
    let mut events = EventSource::open(request.anonymous()).await;
    assert_eq!(events.next().await.kind(), ("execution_update", "2"));
}

#[rstest]
#[case("", "missing")]
#[case("?token=", "missing")]
#[case("?token=forged", "signature")]
#[case("?token=expired", "expired")]
#[case("?ticket=unknown", "ticket")]
#[tokio::test]
async fn a_stream_without_a_valid_token_is_401(#[case] query: &str, #[case] reason: &str) {
    let server = Server::start();
    let request = server.events(server.backend.running(), query).anonymous();
    let answer = request.await;
    assert_eq!(answer.problem(401)["reason"], reason);
    assert_ne!(answer.header("www-authenticate"), "");
}

#[rstest]
#[tokio::test]
async fn a_stream_with_two_credentials_is_400(#[values("?token=alice", "?ticket=x")] query: &str) {
    let server = Server::start();
    let answer = server.events(server.backend.running(), query).await;
    assert_eq!(answer.problem(400)["reason"], "ambiguous-token");
}

#[rstest]
#[case::keys_that_cannot_be_fetched("?token=keys-down")]
#[case::a_verification_that_takes_too_long("?token=slow")]
#[tokio::test]
async fn a_token_that_cannot_be_verified_now_is_503(#[case] query: &str) {
    let server = Server::with(|config| {
        config.sockets.verification = Duration::from_millis(30);
    });
    let request = server.events(server.backend.running(), query).anonymous();
    request.await.problem(503);
}

#[tokio::test]
async fn a_stream_counts_as_a_socket() {
    let server = Server::with(|config| {
        config.sockets.per_user_max = 1;
        config.sockets.total_max = 2;
        config.sockets.comment_interval = Duration::from_millis(20);
    });
    let id = server.backend.running();
    let other = server.backend.add(execution_id(7), "bob", 0);
    let mut events = EventSource::open(server.events(id, "")).await;
    events.next().await;
    let answer = server.events(id, "").await;
    answer.problem(429);
    assert_ne!(answer.header("retry-after"), "");
    let mut others = EventSource::open(server.events(other, "").token("bob")).await;
    others.next().await;
    server.events(other, "").token("carol").await.problem(503);
    assert_eq!(server.watch(id).await.close_code().await, 1013);
    drop(events);
    server.backend.has_watchers(1).await;
    let mut again = EventSource::open(server.events(id, "")).await;
    again.next().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token_after_a_notice() {
    let server = Server::with(|config| {
        config.sockets.expiry_grace = Duration::from_secs(1);
    });
    let request = server.events(server.backend.running(), "");
    let mut events = EventSource::open(request.token("alice@0")).await;
    let mut kinds = Vec::new();
    for _ in 0..2 {
        kinds.push(events.next().await.event.unwrap());
    }
    kinds.sort();
    assert_eq!(kinds, ["auth_expiring", "execution_update"]);
    events.ends().await;
}

#[tokio::test]
async fn a_stream_announces_that_the_server_goes_away_and_continues() {
    let (server, id, mut events) = Server::start().stream_running().await;
    server.drain.going_away.cancel();
    let notice = events.next().await;
    assert_eq!(notice.kind(), ("going_away", ""));
    let within = notice.data["data"]["reconnect_within_ms"].as_u64();
    assert!(within.unwrap() <= 30_000, "{within:?}");
    server.backend.write(id, "more");
    assert_eq!(events.next().await.kind(), ("execution_output", "3"));
    server.drain.end.cancel();
    events.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn a_stream_announces_that_the_server_goes_away_before_a_sudden_end() {
    let (server, _, mut events) = Server::start().stream_running().await;
    server.drain.end.cancel();
    assert_eq!(events.next().await.kind(), ("going_away", ""));
    events.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn a_stream_ends_when_its_record_is_removed() {
    let (server, id, mut events) = Server::start().stream_running().await;
    server.backend.remove(id);
    events.ends().await;
    server.events(id, "").await.problem(404);
}
