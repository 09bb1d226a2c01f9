//! Tests calls whose reply is lost after the server has run them: the retry returns what the first attempt did.

use std::time::Duration;

use coderun_domain::{CancelReply, Sequence, Status, StorePolicy, Submitted, TicketError};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::RedisServer;
use futures_util::future::join_all;

use crate::proxy::Proxy;
use crate::support::{Fixture, id, piece, typed, worker};

const LIFETIME: Duration = Duration::from_secs(30);

/// A backend behind a proxy, on a server that knows every script: the next answer is that of the next call.
async fn start() -> (Fixture, Proxy) {
    let server = RedisServer::start();
    let proxy = Proxy::to(server.port()).await;
    let config = RedisConfig::new(proxy.url().parse().unwrap());
    let fixture = Fixture::on(server, config, |policy| policy.user_pending_max = 1).await;
    let lease = fixture.begin(100).await;
    fixture.print(&lease, "hello").await;
    fixture.redis.queue.release(&lease).await.unwrap();
    fixture.redis.store.request_cancel(id(100)).await.unwrap();
    let lease = fixture.begin_interactive(101).await;
    fixture.type_in(101, 1, "x").await;
    assert_eq!(fixture.receive(&lease, 0).await.unwrap(), [typed("x")]);
    fixture.issue(101, 1, LIFETIME).await.unwrap();
    fixture.finish(&lease).await;
    (fixture, proxy)
}

#[tokio::test]
async fn a_submission_is_accepted_once() {
    let (fixture, proxy) = start().await;
    let execution = fixture.execution(1);
    let submit = fixture.redis.store.submit(&execution, None);
    let submitted = proxy.lose_answer_to(submit).await.unwrap().submitted;
    assert_eq!(submitted, Submitted::AlreadyExists(Box::new(execution)));
    assert_eq!(fixture.take().await.id(), id(1));
    assert!(fixture.try_take().await.is_none());
}

/// The reply of a whole group is lost: each of its submissions gets its own lease again.
#[tokio::test]
async fn a_group_of_submissions_is_leased_once() {
    let (fixture, proxy) = start().await;
    let executions = [1, 2].map(|number| fixture.execution(number));
    let submitting = executions
        .iter()
        .map(|it| fixture.redis.store.submit(it, Some(worker())));
    let submitted = proxy.lose_answer_to(join_all(submitting)).await;
    for (execution, submitted) in executions.iter().zip(submitted) {
        let Submitted::Leased(lease) = submitted.unwrap().submitted else {
            panic!("no lease");
        };
        assert_eq!(lease.id(), execution.id());
        assert_eq!(lease.execution().sequence(), Sequence::from_number(2));
        fixture.finish(&lease).await;
    }
    assert!(fixture.try_take().await.is_none());
}

#[tokio::test]
async fn an_execution_is_taken_in_its_first_attempt() {
    let (fixture, proxy) = start().await;
    fixture.submit(1).await;
    let lease = proxy.lose_answer_to(fixture.take()).await;
    assert_eq!((lease.id(), lease.attempt().count()), (id(1), 1));
    assert!(fixture.try_take().await.is_none());
    fixture.finish(&lease).await;
}

/// The first request arrives after its repetition: nobody would run what it takes.
#[tokio::test]
async fn a_late_request_takes_nothing() {
    let (fixture, proxy) = start().await;
    fixture.submit(1).await;
    let lease = proxy.lose_answer_to(fixture.take()).await;
    fixture.submit(2).await;
    proxy.deliver_late().await;
    assert_eq!(fixture.take().await.id(), id(2));
    fixture.finish(&lease).await;
}

#[tokio::test]
async fn output_is_stored_once() {
    let (fixture, proxy) = start().await;
    let lease = fixture.begin(1).await;
    let (after, events) = (lease.execution().sequence(), [piece(&lease, "hello")]);
    let append = fixture.redis.queue.append(&lease, after, &events);
    assert_eq!(proxy.lose_answer_to(append).await.unwrap(), after.next());
    assert_eq!(fixture.get(1).await.unwrap().sequence(), after.next());
}

#[tokio::test]
async fn an_execution_is_finished_once() {
    let (fixture, proxy) = start().await;
    let lease = fixture.begin(1).await;
    proxy.lose_answer_to(fixture.finish(&lease)).await;
    let ended = fixture.get(1).await.unwrap();
    assert_eq!(ended.status(), Status::Completed);
    assert_eq!(ended.sequence(), Sequence::from_number(3));
}

#[tokio::test]
async fn an_execution_is_released_once() {
    let (fixture, proxy) = start().await;
    let lease = fixture.begin(1).await;
    let released = proxy
        .lose_answer_to(fixture.redis.queue.release(&lease))
        .await;
    released.unwrap();
    let waiting = fixture.get(1).await.unwrap();
    assert_eq!(waiting.sequence(), Sequence::from_number(3));
    assert_eq!(fixture.take().await.attempt().count(), 2);
}

/// The release ends the execution, because it was cancelled while it ran.
#[tokio::test]
async fn a_cancelled_execution_is_released_once() {
    let (fixture, proxy) = start().await;
    let lease = fixture.begin(1).await;
    fixture.redis.store.request_cancel(id(1)).await.unwrap();
    let released = proxy
        .lose_answer_to(fixture.redis.queue.release(&lease))
        .await;
    released.unwrap();
    let ended = fixture.get(1).await.unwrap();
    assert!(ended.status().is_final());
    assert_eq!(ended.sequence(), Sequence::from_number(4));
}

#[tokio::test]
async fn an_execution_is_cancelled_once() {
    let (fixture, proxy) = start().await;
    fixture.submit(1).await;
    let cancel = fixture.redis.store.request_cancel(id(1));
    let reply = proxy.lose_answer_to(cancel).await;
    assert_matches!(reply, Ok(CancelReply::AlreadyFinal(_)));
    let ended = fixture.get(1).await.unwrap();
    assert_eq!(ended.sequence(), Sequence::from_number(2));
    // It no longer counts against the quota.
    fixture.submit(2).await;
}

#[tokio::test]
async fn a_piece_of_input_is_kept_once() {
    let (fixture, proxy) = start().await;
    let lease = fixture.begin_interactive(1).await;
    proxy.lose_answer_to(fixture.type_in(1, 1, "42\n")).await;
    assert_eq!(fixture.receive(&lease, 0).await.unwrap(), [typed("42\n")]);
}

#[tokio::test]
async fn input_is_read_again() {
    let (fixture, proxy) = start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    fixture.type_in(1, 2, "b").await;
    let read = proxy.lose_answer_to(fixture.receive(&lease, 1)).await;
    assert_eq!(read.unwrap(), [typed("b")]);
}

#[tokio::test]
async fn a_ticket_is_issued_once() {
    let (fixture, proxy) = start().await;
    fixture.submit(1).await;
    let last = u8::try_from(StorePolicy::TICKETS_MAX).unwrap();
    for number in 1..last {
        fixture.issue(1, number, LIFETIME).await.unwrap();
    }
    let issue = fixture.issue(1, last, LIFETIME);
    proxy.lose_answer_to(issue).await.unwrap();
    let one_more = fixture.issue(1, last + 1, LIFETIME).await;
    assert_matches!(one_more, Err(TicketError::TooMany { .. }));
    assert_eq!(fixture.redeem(1, last).await, Some(fixture.admission()));
}

/// The server cannot know whether the client with the lost reply was admitted, so the ticket is used up.
#[tokio::test]
async fn a_ticket_is_redeemed_once_at_most() {
    let (fixture, proxy) = start().await;
    fixture.submit(1).await;
    fixture.issue(1, 1, LIFETIME).await.unwrap();
    fixture.issue(1, 2, LIFETIME).await.unwrap();
    assert_eq!(fixture.redeem(1, 1).await, Some(fixture.admission()));
    assert_eq!(proxy.lose_answer_to(fixture.redeem(1, 2)).await, None);
}
