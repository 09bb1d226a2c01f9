use std::time::Duration;

use coderun_domain::testing::{finished, store_policy};
use coderun_domain::{
    CancelReply, ExecutionQueue, ExecutionStore, InputPiece, InputPosition, InputRelay, InputReply,
    QueueDepth, QueueError, Renewal, Status, StoreError, Verdict,
};

use super::support::*;
use crate::RedbBackend;

#[tokio::test]
async fn executions_of_every_state_are_what_they_were() {
    let mut bench = Bench::new().await;
    let lease = start(&bench.redb, 1, &bench.clock).await;
    bench.redb.finish(&lease, &finished()).await.unwrap();
    bench.clock.advance(Duration::from_millis(1500));
    let lease = start(&bench.redb, 2, &bench.clock).await;
    let after = lease.execution().sequence();
    let happened = [said(&lease, "a\0\u{FFFD}"), said(&lease, "b")];
    bench.redb.append(&lease, after, &happened).await.unwrap();
    bench.redb.release(&lease).await.unwrap();
    let lease = take(&bench.redb, "worker 2").await.unwrap();
    let after = lease.execution().sequence();
    let happened = [coderun_domain::RunEvent::AwaitingInput(lease.attempt())];
    bench.redb.append(&lease, after, &happened).await.unwrap();
    submit(&bench.redb, 3, &bench.clock).await;
    submit(&bench.redb, 4, &bench.clock).await;
    bench.redb.request_cancel(id(4)).await.unwrap();
    let mut before = Vec::new();
    for number in 1..=4 {
        let (record, events) = (get(&bench.redb, number), events(&bench.redb, number));
        before.push((record.await, events.await));
    }
    let listed = list(&bench.redb).await;
    bench.restart().await;
    for (number, (record, told)) in (1..).zip(before) {
        assert_eq!(get(&bench.redb, number).await, record);
        assert_eq!(events(&bench.redb, number).await, told);
    }
    assert_eq!(list(&bench.redb).await, listed);
    let depth = bench.redb.depth().await.unwrap();
    let (pending, running) = (1, 1);
    assert_eq!(depth, QueueDepth { pending, running });
}

#[tokio::test]
async fn a_time_between_microseconds_is_the_same_before_and_after() {
    let mut bench = Bench::new().await;
    bench.clock.advance(Duration::from_nanos(1_234_567_891));
    let lease = start(&bench.redb, 1, &bench.clock).await;
    let before = get(&bench.redb, 1).await;
    assert_eq!(before, *lease.execution());
    bench.restart().await;
    assert_eq!(get(&bench.redb, 1).await, before);
    bench.redb.renew(&lease).await.unwrap();
}

#[tokio::test]
async fn what_ran_is_taken_over_at_once_in_the_next_attempt() {
    let mut bench = Bench::new().await;
    let lost = start(&bench.redb, 1, &bench.clock).await;
    assert_eq!(take(&bench.redb, "worker 2").await, None);
    bench.restart().await;
    let lease = take(&bench.redb, "worker 2").await.unwrap();
    assert_eq!(lease.id(), lost.id());
    assert_eq!(lease.attempt().count(), 2);
    let stale = bench.redb.renew(&lost).await;
    assert!(matches!(stale, Err(QueueError::LeaseLost)), "{stale:?}");
    bench.redb.finish(&lease, &finished()).await.unwrap();
}

#[tokio::test]
async fn what_ran_for_the_last_time_is_given_up() {
    let mut bench = Bench::new().await;
    submit(&bench.redb, 1, &bench.clock).await;
    for attempt in 1..=store_policy().attempts_max {
        bench.redb.sweep().await.unwrap();
        let lease = take(&bench.redb, "worker").await.unwrap();
        assert_eq!(lease.attempt().count(), attempt);
        bench.restart().await;
    }
    assert_eq!(take(&bench.redb, "worker").await, None);
    assert_eq!(bench.redb.sweep().await.unwrap().ended, 1);
    let ended = get(&bench.redb, 1).await;
    let verdict = ended.outcome().unwrap().verdict();
    assert_eq!(verdict, Verdict::InternalError);
    bench.restart().await;
    assert_eq!(get(&bench.redb, 1).await, ended);
}

#[tokio::test]
async fn what_waits_waits_in_its_order_and_until_its_deadline() {
    let mut bench = Bench::new().await;
    for number in [7, 3, 9] {
        submit(&bench.redb, number, &bench.clock).await;
    }
    bench.clock.advance(Duration::from_mins(1));
    submit(&bench.redb, 1, &bench.clock).await;
    bench.restart().await;
    for (place, number) in (1..).zip([7, 3, 9, 1]) {
        let found = bench.redb.queue_position(id(number)).await.unwrap();
        assert_eq!(found, Some(place));
    }
    assert_eq!(take(&bench.redb, "w").await.unwrap().id(), id(7));
    bench
        .clock
        .set(coderun_domain::testing::at(0) + store_policy().queue_deadline);
    bench.restart().await;
    bench.redb.sweep().await.unwrap();
    assert!(get(&bench.redb, 3).await.status().is_final());
    assert!(get(&bench.redb, 9).await.status().is_final());
    assert_eq!(get(&bench.redb, 1).await.status(), Status::Pending);
}

#[tokio::test]
async fn the_wish_to_stop_survives() {
    let mut bench = Bench::new().await;
    start(&bench.redb, 1, &bench.clock).await;
    let reply = bench.redb.request_cancel(id(1)).await.unwrap();
    assert!(matches!(reply, CancelReply::Requested(_)));
    bench.restart().await;
    let lease = take(&bench.redb, "w").await.unwrap();
    assert_eq!(bench.redb.renew(&lease).await.unwrap(), Renewal::Cancel);
}

#[tokio::test]
async fn input_survives_and_is_still_told_apart() {
    let mut bench = Bench::new().await;
    let lease = start(&bench.redb, 1, &bench.clock).await;
    let send = async |redb: &RedbBackend, number, piece| {
        redb.send(id(1), input(number), piece).await.unwrap()
    };
    send(&bench.redb, 1, typed("a")).await;
    let start = InputPosition::START;
    bench.redb.receive(&lease, start.next()).await.unwrap();
    send(&bench.redb, 2, typed("b\0")).await;
    bench.restart().await;
    assert_eq!(send(&bench.redb, 2, typed("b\0")).await, InputReply::Kept);
    send(&bench.redb, 3, InputPiece::End).await;
    bench.restart().await;
    assert_eq!(send(&bench.redb, 4, typed("c")).await, InputReply::Ended);
    let lease = take(&bench.redb, "w").await.unwrap();
    let read = bench.redb.receive(&lease, start).await.unwrap();
    assert_eq!(read, [typed("a"), typed("b\0"), InputPiece::End]);
}

#[tokio::test]
async fn input_that_made_room_stays_forgotten() {
    let mut bench = Bench::new().await;
    let lease = start(&bench.redb, 1, &bench.clock).await;
    let half = InputPiece::Data(vec![b'x'; 400 << 10].into());
    for number in 1..=4 {
        let before = InputPosition::from_number(number - 1);
        bench.redb.receive(&lease, before).await.unwrap();
        let sent = bench.redb.send(id(1), input(number), half.clone()).await;
        assert_eq!(sent.unwrap(), InputReply::Kept);
    }
    bench.restart().await;
    let lease = take(&bench.redb, "w").await.unwrap();
    let all = bench.redb.receive(&lease, InputPosition::START).await;
    assert!(matches!(all, Err(coderun_domain::InputError::Forgotten)));
    let third = InputPosition::from_number(2);
    let read = bench.redb.receive(&lease, third).await.unwrap();
    assert!(read == [half]);
}

#[tokio::test]
async fn a_repeated_finish_or_release_is_known_again() {
    let mut bench = Bench::new().await;
    let finishing = start(&bench.redb, 1, &bench.clock).await;
    let releasing = start(&bench.redb, 2, &bench.clock).await;
    bench.redb.finish(&finishing, &finished()).await.unwrap();
    bench.redb.release(&releasing).await.unwrap();
    let (ended, waiting) = (get(&bench.redb, 1).await, get(&bench.redb, 2).await);
    bench.restart().await;
    bench.redb.finish(&finishing, &finished()).await.unwrap();
    bench.redb.release(&releasing).await.unwrap();
    assert_eq!(get(&bench.redb, 1).await, ended);
    assert_eq!(get(&bench.redb, 2).await, waiting);
    let other = bench.redb.release(&finishing).await;
    assert!(matches!(other, Err(QueueError::LeaseLost)), "{other:?}");
}

#[tokio::test]
async fn what_expired_meanwhile_is_gone() {
    let mut bench = Bench::new().await;
    let lease = start(&bench.redb, 1, &bench.clock).await;
    bench.redb.finish(&lease, &finished()).await.unwrap();
    bench.redb.close().await;
    bench.clock.advance(store_policy().retention);
    bench.restart().await;
    assert_eq!(list(&bench.redb).await, []);
    assert_eq!(bench.redb.get(id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_execution_does_not_come_back_and_its_id_begins_anew() {
    let mut bench = Bench::new().await;
    let lease = start(&bench.redb, 1, &bench.clock).await;
    let after = lease.execution().sequence();
    let happened = [said(&lease, "old")];
    bench.redb.append(&lease, after, &happened).await.unwrap();
    bench
        .redb
        .send(id(1), input(1), typed("old"))
        .await
        .unwrap();
    assert!(bench.redb.delete(id(1)).await.unwrap());
    bench.restart().await;
    assert_eq!(bench.redb.get(id(1)).await.unwrap(), None);
    submit(&bench.redb, 1, &bench.clock).await;
    bench.restart().await;
    assert_eq!(events(&bench.redb, 1).await.len(), 1);
    let lease = take(&bench.redb, "w").await.unwrap();
    let read = bench.redb.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), []);
}

#[tokio::test]
async fn a_closed_backend_says_so_at_once_and_may_be_closed_again() {
    let bench = Bench::new().await;
    let other = bench.redb.clone();
    bench.redb.close().await;
    other.close().await;
    let found = other.get(id(1)).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn debug_shows_nothing_of_what_is_kept() {
    let bench = Bench::new().await;
    submit(&bench.redb, 1, &bench.clock).await;
    assert_eq!(
        format!("{:?}", bench.redb),
        "LedgerBackend { access: FileLedger }"
    );
    assert!(bench.folder.path().exists());
}
