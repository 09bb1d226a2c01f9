//! The server has done what it was asked, and nobody was told: the same call again finds what it has done.

use coderun_domain::testing::finished;
use coderun_domain::{
    CancelReply, ExecutionQueue as _, ExecutionStore as _, Sequence, Status, Submitted,
};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::RedisServer;

use crate::proxy::Proxy;
use crate::support::{Fixture, id, piece};

/// A backend with one connection behind a proxy, on a server that knows every script: the next answer is that of the
/// next call.
async fn lossy() -> (Fixture, Proxy) {
    let server = RedisServer::start();
    let proxy = Proxy::to(server.port()).await;
    let config = RedisConfig {
        lanes: 1,
        ..RedisConfig::new(proxy.url().parse().unwrap())
    };
    let fixture = Fixture::on(server, config, |policy| policy.user_pending_max = 1).await;
    let lease = fixture.begin(100).await;
    fixture.print(&lease, "hello").await;
    fixture.redis.release(&lease).await.unwrap();
    fixture.redis.request_cancel(id(100)).await.unwrap();
    let lease = fixture.begin(101).await;
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
    assert_eq!(submitted, Submitted::AlreadyThere(Box::new(execution)));
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
    let after = lease.execution.sequence();
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
