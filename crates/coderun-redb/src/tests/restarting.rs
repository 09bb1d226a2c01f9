use std::time::Duration;

use coderun_domain::testing::{finished, store_policy};
use coderun_domain::{
    CancelReply, ExecutionQueue, ExecutionStore, InputPiece, InputPosition, InputRelay, InputReply,
    QueueDepth, QueueError, Renewal, Status, StoreError, Verdict,
};

use super::support::*;
use crate::RedbBackend;

#[tokio::test]
async fn executions_in_every_state_survive_a_restart() {
    let mut backend = TestBackend::new().await;
    let lease = backend.start(1).await;
    backend.redb.finish(&lease, &finished()).await.unwrap();
    backend.clock.advance(Duration::from_millis(1500));
    let lease = backend.start(2).await;
    let after = lease.execution().sequence();
    let events = [stdout(&lease, "a\0\u{FFFD}"), stdout(&lease, "b")];
    backend.redb.append(&lease, after, &events).await.unwrap();
    backend.redb.release(&lease).await.unwrap();
    let lease = backend.take("worker 2").await.unwrap();
    let after = lease.execution().sequence();
    let events = [coderun_domain::RunEvent::AwaitingInput(lease.attempt())];
    backend.redb.append(&lease, after, &events).await.unwrap();
    backend.submit(3).await;
    backend.submit(4).await;
    backend.redb.request_cancel(id(4)).await.unwrap();
    let mut before = Vec::new();
    for number in 1..=4 {
        let (record, events) = (backend.get(number), backend.events(number));
        before.push((record.await, events.await));
    }
    let listed = backend.list().await;
    backend.restart().await;
    for (number, (record, stored)) in (1..).zip(before) {
        assert_eq!(backend.get(number).await, record);
        assert_eq!(backend.events(number).await, stored);
    }
    assert_eq!(backend.list().await, listed);
    let depth = backend.redb.depth().await.unwrap();
    let (pending, running) = (1, 1);
    assert_eq!(depth, QueueDepth { pending, running });
}

#[tokio::test]
async fn a_time_between_microseconds_is_the_same_after_a_restart() {
    let mut backend = TestBackend::new().await;
    backend.clock.advance(Duration::from_nanos(1_234_567_891));
    let lease = backend.start(1).await;
    let before = backend.get(1).await;
    assert_eq!(before, *lease.execution());
    backend.restart().await;
    assert_eq!(backend.get(1).await, before);
    backend.redb.renew(&lease).await.unwrap();
}

#[tokio::test]
async fn a_running_execution_is_taken_over_at_once_after_a_restart() {
    let mut backend = TestBackend::new().await;
    let lost = backend.start(1).await;
    assert_eq!(backend.take("worker 2").await, None);
    backend.restart().await;
    let lease = backend.take("worker 2").await.unwrap();
    assert_eq!(lease.id(), lost.id());
    assert_eq!(lease.attempt().count(), 2);
    let stale = backend.redb.renew(&lost).await;
    assert!(matches!(stale, Err(QueueError::LeaseLost)), "{stale:?}");
    backend.redb.finish(&lease, &finished()).await.unwrap();
}

#[tokio::test]
async fn an_execution_in_its_last_attempt_is_given_up_after_a_restart() {
    let mut backend = TestBackend::new().await;
    backend.submit(1).await;
    for attempt in 1..=store_policy().attempts_max {
        backend.redb.sweep().await.unwrap();
        let lease = backend.take("worker").await.unwrap();
        assert_eq!(lease.attempt().count(), attempt);
        backend.restart().await;
    }
    assert_eq!(backend.take("worker").await, None);
    assert_eq!(backend.redb.sweep().await.unwrap().ended, 1);
    let ended = backend.get(1).await;
    let verdict = ended.outcome().unwrap().verdict();
    assert_eq!(verdict, Verdict::InternalError);
    backend.restart().await;
    assert_eq!(backend.get(1).await, ended);
}

#[tokio::test]
async fn waiting_executions_keep_their_order_and_deadlines() {
    let mut backend = TestBackend::new().await;
    for number in [7, 3, 9] {
        backend.submit(number).await;
    }
    backend.clock.advance(Duration::from_mins(1));
    backend.submit(1).await;
    backend.restart().await;
    for (place, number) in (1..).zip([7, 3, 9, 1]) {
        let found = backend.redb.queue_position(id(number)).await.unwrap();
        assert_eq!(found, Some(place));
    }
    assert_eq!(backend.take("w").await.unwrap().id(), id(7));
    backend
        .clock
        .set(coderun_domain::testing::at(0) + store_policy().queue_deadline);
    backend.restart().await;
    backend.redb.sweep().await.unwrap();
    assert!(backend.get(3).await.status().is_final());
    assert!(backend.get(9).await.status().is_final());
    assert_eq!(backend.get(1).await.status(), Status::Pending);
}

#[tokio::test]
async fn a_cancel_request_survives_a_restart() {
    let mut backend = TestBackend::new().await;
    backend.start(1).await;
    let reply = backend.redb.request_cancel(id(1)).await.unwrap();
    assert!(matches!(reply, CancelReply::Requested(_)));
    backend.restart().await;
    let lease = backend.take("w").await.unwrap();
    assert_eq!(backend.redb.renew(&lease).await.unwrap(), Renewal::Cancel);
}

#[tokio::test]
async fn input_and_its_senders_survive_a_restart() {
    let mut backend = TestBackend::new().await;
    let lease = backend.start(1).await;
    let send = async |redb: &RedbBackend, number, piece| {
        redb.send(id(1), input(number), piece).await.unwrap()
    };
    send(&backend.redb, 1, data("a")).await;
    let start = InputPosition::START;
    backend.redb.receive(&lease, start.next()).await.unwrap();
    send(&backend.redb, 2, data("b\0")).await;
    backend.restart().await;
    assert_eq!(send(&backend.redb, 2, data("b\0")).await, InputReply::Kept);
    send(&backend.redb, 3, InputPiece::End).await;
    backend.restart().await;
    assert_eq!(send(&backend.redb, 4, data("c")).await, InputReply::Ended);
    let lease = backend.take("w").await.unwrap();
    let read = backend.redb.receive(&lease, start).await.unwrap();
    assert_eq!(read, [data("a"), data("b\0"), InputPiece::End]);
}

#[tokio::test]
async fn dropped_input_stays_dropped_after_a_restart() {
    let mut backend = TestBackend::new().await;
    let lease = backend.start(1).await;
    let half = InputPiece::Data(vec![b'x'; 400 << 10].into());
    for number in 1..=4 {
        let before = InputPosition::from_number(number - 1);
        backend.redb.receive(&lease, before).await.unwrap();
        let sent = backend.redb.send(id(1), input(number), half.clone()).await;
        assert_eq!(sent.unwrap(), InputReply::Kept);
    }
    backend.restart().await;
    let lease = backend.take("w").await.unwrap();
    let all = backend.redb.receive(&lease, InputPosition::START).await;
    assert!(matches!(all, Err(coderun_domain::InputError::Forgotten)));
    let third = InputPosition::from_number(2);
    let read = backend.redb.receive(&lease, third).await.unwrap();
    assert!(read == [half]);
}

#[tokio::test]
async fn a_repeated_finish_or_release_is_recognised_after_a_restart() {
    let mut backend = TestBackend::new().await;
    let finishing = backend.start(1).await;
    let releasing = backend.start(2).await;
    backend.redb.finish(&finishing, &finished()).await.unwrap();
    backend.redb.release(&releasing).await.unwrap();
    let (ended, waiting) = (backend.get(1).await, backend.get(2).await);
    backend.restart().await;
    backend.redb.finish(&finishing, &finished()).await.unwrap();
    backend.redb.release(&releasing).await.unwrap();
    assert_eq!(backend.get(1).await, ended);
    assert_eq!(backend.get(2).await, waiting);
    let other = backend.redb.release(&finishing).await;
    assert!(matches!(other, Err(QueueError::LeaseLost)), "{other:?}");
}

#[tokio::test]
async fn an_execution_that_expired_meanwhile_is_gone() {
    let mut backend = TestBackend::new().await;
    let lease = backend.start(1).await;
    backend.redb.finish(&lease, &finished()).await.unwrap();
    backend.redb.close().await;
    backend.clock.advance(store_policy().retention);
    backend.restart().await;
    assert_eq!(backend.list().await, []);
    assert_eq!(backend.redb.get(id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_execution_stays_deleted_and_its_id_starts_anew() {
    let mut backend = TestBackend::new().await;
    let lease = backend.start(1).await;
    let after = lease.execution().sequence();
    let events = [stdout(&lease, "old")];
    backend.redb.append(&lease, after, &events).await.unwrap();
    backend
        .redb
        .send(id(1), input(1), data("old"))
        .await
        .unwrap();
    assert!(backend.redb.delete(id(1)).await.unwrap());
    backend.restart().await;
    assert_eq!(backend.redb.get(id(1)).await.unwrap(), None);
    backend.submit(1).await;
    backend.restart().await;
    assert_eq!(backend.events(1).await.len(), 1);
    let lease = backend.take("w").await.unwrap();
    let read = backend.redb.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), []);
}

#[tokio::test]
async fn a_closed_backend_is_unavailable_and_may_be_closed_again() {
    let backend = TestBackend::new().await;
    let other = backend.redb.clone();
    backend.redb.close().await;
    other.close().await;
    let found = other.get(id(1)).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn debug_shows_no_records() {
    let backend = TestBackend::new().await;
    backend.submit(1).await;
    assert_eq!(
        format!("{:?}", backend.redb),
        "LedgerBackend { access: FileLedger }"
    );
    assert!(backend.folder.path().exists());
}
