//! The server has done what it was asked, and nobody was told: the same call again finds what it has done.

use std::time::Duration;

use coderun_domain::testing::finished;
use coderun_domain::{
    CancelReply, ExecutionQueue as _, ExecutionStore as _, InputPosition, InputRelay as _,
    InputReply, Sequence, Status, StorePolicy, Submitted, TicketError,
};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::RedisServer;

use crate::proxy::Proxy;
use crate::support::{Fixture, id, input, piece, typed};

const LIFETIME: Duration = Duration::from_secs(30);

/// A backend with one connection behind a proxy, on a server that knows every script: the next answer is that of the
/// next call.
async fn lossy() -> (Fixture, Proxy) {
    let server = RedisServer::start();
    let proxy = Proxy::to(server.port()).await;
    let config = RedisConfig {
        connections: 1,
        ..RedisConfig::new(proxy.url().parse().unwrap())
    };
    let fixture = Fixture::on(server, config, |policy| policy.user_pending_max = 1).await;
    let lease = fixture.begin(100).await;
    fixture.print(&lease, "hello").await;
    fixture.redis.release(&lease).await.unwrap();
    fixture.redis.request_cancel(id(100)).await.unwrap();
    let lease = fixture.begin_interactive(101).await;
    fixture.type_in(101, 1, "x").await;
    let read = fixture.redis.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), [typed("x")]);
    fixture.issue(101, 1, LIFETIME).await.unwrap();
    fixture.finish(&lease).await;
    (fixture, proxy)
}

#[tokio::test]
async fn a_submission_is_accepted_once() {
    let (fixture, proxy) = lossy().await;
    proxy.lose_next_answer();
    let execution = fixture.execution(1);
    let submitted = fixture.redis.submit(&execution).await.unwrap();
    assert!(!proxy.is_armed());
    assert_eq!(submitted, Submitted::AlreadyExists(Box::new(execution)));
    assert_eq!(fixture.take().await.id(), id(1));
    assert!(fixture.try_take().await.is_none());
}

#[tokio::test]
async fn an_execution_is_taken_in_its_first_attempt() {
    let (fixture, proxy) = lossy().await;
    fixture.submit(1).await;
    proxy.lose_next_answer();
    let lease = fixture.take().await;
    assert!(!proxy.is_armed());
    assert_eq!((lease.id(), lease.attempt().count()), (id(1), 1));
    assert!(fixture.try_take().await.is_none());
    fixture.finish(&lease).await;
}

#[tokio::test]
async fn output_is_stored_once() {
    let (fixture, proxy) = lossy().await;
    let lease = fixture.begin(1).await;
    proxy.lose_next_answer();
    let after = lease.execution().sequence();
    let told = fixture
        .redis
        .append(&lease, after, &[piece(&lease, "hello")])
        .await;
    assert!(!proxy.is_armed());
    assert_eq!(told.unwrap(), after.next());
    assert_eq!(fixture.get(1).await.unwrap().sequence(), after.next());
}

#[tokio::test]
async fn an_execution_is_finished_once() {
    let (fixture, proxy) = lossy().await;
    let lease = fixture.begin(1).await;
    proxy.lose_next_answer();
    fixture.redis.finish(&lease, &finished()).await.unwrap();
    assert!(!proxy.is_armed());
    let ended = fixture.get(1).await.unwrap();
    assert_eq!(ended.status(), Status::Completed);
    assert_eq!(ended.sequence(), Sequence::from_number(3));
}

#[tokio::test]
async fn an_execution_is_given_back_once() {
    let (fixture, proxy) = lossy().await;
    let lease = fixture.begin(1).await;
    proxy.lose_next_answer();
    fixture.redis.release(&lease).await.unwrap();
    assert!(!proxy.is_armed());
    let waiting = fixture.get(1).await.unwrap();
    assert_eq!(waiting.sequence(), Sequence::from_number(3));
    assert_eq!(fixture.take().await.attempt().count(), 2);
}

#[tokio::test]
async fn an_execution_is_cancelled_once() {
    let (fixture, proxy) = lossy().await;
    fixture.submit(1).await;
    proxy.lose_next_answer();
    let reply = fixture.redis.request_cancel(id(1)).await.unwrap();
    assert!(!proxy.is_armed());
    assert!(matches!(reply, CancelReply::AlreadyFinal(_)), "{reply:?}");
    assert_eq!(
        fixture.get(1).await.unwrap().sequence(),
        Sequence::from_number(2)
    );
    // Its place is free again, once.
    fixture.submit(2).await;
}

#[tokio::test]
async fn a_piece_of_input_is_kept_once() {
    let (fixture, proxy) = lossy().await;
    let lease = fixture.begin_interactive(1).await;
    proxy.lose_next_answer();
    let sent = fixture.redis.send(id(1), input(1, 1), typed("42\n")).await;
    assert!(!proxy.is_armed());
    assert_eq!(sent.unwrap(), InputReply::Kept);
    let read = fixture.redis.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), [typed("42\n")]);
}

#[tokio::test]
async fn input_is_read_again() {
    let (fixture, proxy) = lossy().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    fixture.type_in(1, 2, "b").await;
    proxy.lose_next_answer();
    let first = InputPosition::from_number(1);
    let read = fixture.redis.receive(&lease, first).await;
    assert!(!proxy.is_armed());
    assert_eq!(read.unwrap(), [typed("b")]);
}

#[tokio::test]
async fn a_ticket_is_issued_once() {
    let (fixture, proxy) = lossy().await;
    fixture.submit(1).await;
    let last = u8::try_from(StorePolicy::TICKETS_MAX).unwrap();
    for number in 1..last {
        fixture.issue(1, number, LIFETIME).await.unwrap();
    }
    proxy.lose_next_answer();
    fixture.issue(1, last, LIFETIME).await.unwrap();
    assert!(!proxy.is_armed());
    let one_more = fixture.issue(1, last + 1, LIFETIME).await;
    assert!(
        matches!(one_more, Err(TicketError::TooMany { .. })),
        "{one_more:?}"
    );
    let admitted = fixture.redeem(1, last).await;
    assert_eq!(admitted, Some(fixture.admission()));
}

/// Nobody can tell whether who did not hear the answer was admitted: the ticket is used up.
#[tokio::test]
async fn a_ticket_is_redeemed_once_at_most() {
    let (fixture, proxy) = lossy().await;
    fixture.submit(1).await;
    fixture.issue(1, 1, LIFETIME).await.unwrap();
    fixture.issue(1, 2, LIFETIME).await.unwrap();
    let admitted = fixture.redeem(1, 1).await;
    assert_eq!(admitted, Some(fixture.admission()));
    proxy.lose_next_answer();
    let admitted = fixture.redeem(1, 2).await;
    assert!(!proxy.is_armed());
    assert_eq!(admitted, None);
}
