use std::time::Duration;

use coderun_conformance::{Backend, data, id, sender};
use coderun_domain::testing::{at, store_policy};
use coderun_domain::{
    CancelReply, InputPiece, InputPosition, InputReply, QueueDepth, QueueError, Renewal, Status,
    StoreError, Verdict,
};

use super::support::*;

#[tokio::test]
async fn executions_in_every_state_survive_a_restart() {
    let mut backend = new_backend().await;
    let lease = backend.start(1, "alice").await;
    backend.finish(&lease).await;
    backend.advance(Duration::from_millis(1500));
    let lease = backend.start(2, "alice").await;
    backend.print(&lease, &["a\0\u{FFFD}", "b"]).await;
    backend.release(&lease).await;
    let lease = backend.take_as("worker 2").await.unwrap();
    let after = lease.execution().sequence();
    let events = [coderun_domain::RunEvent::AwaitingInput(lease.attempt())];
    backend.queue.append(&lease, after, &events).await.unwrap();
    backend.submit(3, "alice").await;
    backend.submit(4, "alice").await;
    backend.cancel(id(4)).await;
    let mut before = Vec::new();
    for number in 1..=4 {
        let (record, events) = (backend.get(id(number)), backend.events(id(number)));
        before.push((record.await, events.await));
    }
    let listed = backend.list("alice").await;
    backend = restart(backend).await;
    for (number, (record, stored)) in (1..).zip(before) {
        assert_eq!(backend.get(id(number)).await, record);
        assert_eq!(backend.events(id(number)).await, stored);
    }
    assert_eq!(backend.list("alice").await, listed);
    let depth = backend.queue.depth().await.unwrap();
    let (pending, running) = (1, 1);
    assert_eq!(depth, QueueDepth { pending, running });
}

#[tokio::test]
async fn a_time_between_microseconds_is_the_same_after_a_restart() {
    let mut backend = new_backend().await;
    backend.advance(Duration::from_nanos(1_234_567_891));
    let lease = backend.start(1, "alice").await;
    let before = backend.get(id(1)).await;
    assert_eq!(before, *lease.execution());
    backend = restart(backend).await;
    assert_eq!(backend.get(id(1)).await, before);
    backend.renew(&lease).await;
}

#[tokio::test]
async fn a_running_execution_is_taken_over_at_once_after_a_restart() {
    let mut backend = new_backend().await;
    let lost = backend.start(1, "alice").await;
    assert_eq!(backend.take_as("worker 2").await, None);
    backend = restart(backend).await;
    let lease = backend.take_as("worker 2").await.unwrap();
    assert_eq!(lease.id(), lost.id());
    assert_eq!(lease.attempt().count(), 2);
    let stale = backend.queue.renew(&lost).await;
    assert!(matches!(stale, Err(QueueError::LeaseLost)), "{stale:?}");
    backend.finish(&lease).await;
}

#[tokio::test]
async fn an_execution_in_its_last_attempt_is_given_up_after_a_restart() {
    let mut backend = new_backend().await;
    backend.submit(1, "alice").await;
    for attempt in 1..=store_policy().attempts_max {
        backend.sweep().await;
        let lease = backend.take_as("worker").await.unwrap();
        assert_eq!(lease.attempt().count(), attempt);
        backend = restart(backend).await;
    }
    assert_eq!(backend.take_as("worker").await, None);
    assert_eq!(backend.sweep().await.ended, 1);
    let ended = backend.get(id(1)).await;
    let verdict = ended.outcome().unwrap().verdict();
    assert_eq!(verdict, Verdict::InternalError);
    backend = restart(backend).await;
    assert_eq!(backend.get(id(1)).await, ended);
}

#[tokio::test]
async fn waiting_executions_keep_their_order_and_deadlines() {
    let mut backend = new_backend().await;
    for number in [7, 3, 9] {
        backend.submit(number, "alice").await;
    }
    backend.advance(Duration::from_mins(1));
    backend.submit(1, "alice").await;
    backend = restart(backend).await;
    for (place, number) in (1..).zip([7, 3, 9, 1]) {
        let found = backend.store.queue_position(id(number)).await.unwrap();
        assert_eq!(found, Some(place));
    }
    assert_eq!(backend.take_as("w").await.unwrap().id(), id(7));
    backend.clock.set(at(0) + store_policy().queue_deadline);
    backend = restart(backend).await;
    backend.sweep().await;
    assert!(backend.get(id(3)).await.status().is_final());
    assert!(backend.get(id(9)).await.status().is_final());
    assert_eq!(backend.get(id(1)).await.status(), Status::Pending);
}

#[tokio::test]
async fn the_time_without_a_worker_begins_anew_after_a_restart() {
    let mut backend = new_backend().await;
    let pass = async |backend: &Backend, seconds: u64| {
        let mut ended = 0;
        for _ in 0..seconds / 5 {
            backend.advance(Duration::from_secs(5));
            ended += backend.sweep().await.ended;
        }
        ended
    };
    backend.submit(1, "alice").await;
    assert_eq!(pass(&backend, 55).await, 0);
    backend = restart(backend).await;
    assert_eq!(pass(&backend, 60).await, 0);
    assert_eq!(pass(&backend, 10).await, 1);
}

#[tokio::test]
async fn a_cancel_request_survives_a_restart() {
    let mut backend = new_backend().await;
    backend.start(1, "alice").await;
    let reply = backend.cancel(id(1)).await;
    assert!(matches!(reply, CancelReply::Requested(_)));
    backend = restart(backend).await;
    let lease = backend.take_as("w").await.unwrap();
    assert_eq!(backend.renew(&lease).await, Renewal::Cancel);
}

#[tokio::test]
async fn input_and_its_senders_survive_a_restart() {
    let mut backend = new_backend().await;
    let lease = backend.start_interactive(1, "alice").await;
    let send = async |backend: &Backend, number, piece| {
        backend.send(id(1), sender(1, number), piece).await
    };
    send(&backend, 1, data("a")).await;
    let start = InputPosition::START;
    backend.inputs.receive(&lease, start.next()).await.unwrap();
    send(&backend, 2, data("b\0")).await;
    backend = restart(backend).await;
    assert_eq!(send(&backend, 2, data("b\0")).await, InputReply::Kept);
    send(&backend, 3, InputPiece::End).await;
    backend = restart(backend).await;
    assert_eq!(send(&backend, 4, data("c")).await, InputReply::Ended);
    let lease = backend.take_as("w").await.unwrap();
    let read = backend.inputs.receive(&lease, start).await.unwrap();
    assert_eq!(read, [data("a"), data("b\0"), InputPiece::End]);
}

#[tokio::test]
async fn dropped_input_stays_dropped_after_a_restart() {
    let mut backend = new_backend().await;
    let lease = backend.start_interactive(1, "alice").await;
    let half = InputPiece::Data(vec![b'x'; 400 << 10].into());
    for number in 1..=4 {
        let before = InputPosition::from_number(number - 1);
        backend.inputs.receive(&lease, before).await.unwrap();
        backend.keep(id(1), sender(1, number), half.clone()).await;
    }
    backend = restart(backend).await;
    let lease = backend.take_as("w").await.unwrap();
    let all = backend.inputs.receive(&lease, InputPosition::START).await;
    assert!(matches!(all, Err(coderun_domain::InputError::Forgotten)));
    let third = InputPosition::from_number(2);
    let read = backend.inputs.receive(&lease, third).await.unwrap();
    assert!(read == [half]);
}

#[tokio::test]
async fn a_repeated_finish_or_release_is_recognised_after_a_restart() {
    let mut backend = new_backend().await;
    let finishing = backend.start(1, "alice").await;
    let releasing = backend.start(2, "alice").await;
    backend.finish(&finishing).await;
    backend.release(&releasing).await;
    let (ended, waiting) = (backend.get(id(1)).await, backend.get(id(2)).await);
    backend = restart(backend).await;
    backend.finish(&finishing).await;
    backend.release(&releasing).await;
    assert_eq!(backend.get(id(1)).await, ended);
    assert_eq!(backend.get(id(2)).await, waiting);
    let other = backend.queue.release(&finishing).await;
    assert!(matches!(other, Err(QueueError::LeaseLost)), "{other:?}");
}

#[tokio::test]
async fn an_execution_that_expired_meanwhile_is_gone() {
    let mut backend = new_backend().await;
    let lease = backend.start(1, "alice").await;
    backend.finish(&lease).await;
    backend.advance(store_policy().retention);
    backend = restart(backend).await;
    assert_eq!(backend.list("alice").await, []);
    assert_eq!(backend.find(id(1)).await, None);
}

#[tokio::test]
async fn a_deleted_execution_stays_deleted_and_its_id_starts_anew() {
    let mut backend = new_backend().await;
    let lease = backend.start_interactive(1, "alice").await;
    backend.print(&lease, &["old"]).await;
    backend.send(id(1), sender(1, 1), data("old")).await;
    assert!(backend.delete(id(1)).await);
    backend = restart(backend).await;
    assert_eq!(backend.find(id(1)).await, None);
    backend.submit(1, "alice").await;
    backend = restart(backend).await;
    assert_eq!(backend.events(id(1)).await.len(), 1);
    let lease = backend.take_as("w").await.unwrap();
    let read = backend.inputs.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), []);
}

#[tokio::test]
async fn a_closed_backend_is_unavailable_and_may_be_closed_again() {
    let backend = new_backend().await;
    let file = file_of(&backend);
    file.redb.close().await;
    file.redb.clone().close().await;
    let found = backend.store.get(id(1)).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn debug_shows_no_records() {
    let backend = new_backend().await;
    backend.submit(1, "alice").await;
    assert_eq!(
        format!("{:?}", file_of(&backend).redb),
        "LedgerBackend { access: FileLedger, timer: StorageTimer(redb) }"
    );
}
