use bytes::Bytes;
use coderun_domain::testing::{
    at, execution_id, finished, interactive_execution, store_policy, worker_offer,
};
use coderun_domain::{
    InputId, InputPiece, InputPosition, InputReply, Lease, RunEvent, SenderId, StorePolicy,
    WorkerId,
};

use super::*;

/// A ledger that notes what changes.
fn ledger() -> Ledger {
    restore(Vec::new(), SurvivingWorkers::None)
}

fn restore(records: Vec<RecordSnapshot>, workers: SurvivingWorkers) -> Ledger {
    let restored = SavedState {
        records,
        last_order: 0,
        workers,
    };
    Ledger::restore(config(), restored, at(0))
}

/// Without a bound on the rate of submissions, which is not saved.
fn config() -> LedgerConfig {
    LedgerConfig::new(StorePolicy {
        user_submits_per_minute: 0,
        ..store_policy()
    })
}

fn submit(ledger: &mut Ledger) {
    ledger.submit(&interactive_execution(), at(0)).unwrap();
}

fn take(ledger: &mut Ledger) -> Option<Lease> {
    let worker = WorkerId::parse("w").unwrap();
    ledger.take(
        &worker,
        &[coderun_domain::testing::language("python")],
        at(1),
    )
}

fn send(ledger: &mut Ledger, number: u64) {
    let sender = SenderId::from_number(1);
    let piece = InputPiece::Data(Bytes::from_static(b"x"));
    let input = InputId { sender, number };
    let reply = ledger.send(execution_id(1), input, piece, at(1));
    assert_eq!(reply, InputReply::Kept);
}

/// The only change, which must be of a record.
fn only_update(ledger: &mut Ledger) -> RecordSnapshot {
    let mut changes = ledger.take_changes();
    match (changes.pop(), changes.pop()) {
        (Some(RecordChange::Updated(saved)), None) => *saved,
        other => panic!("not one record: {other:?}"),
    }
}

fn numbers(saved: &RecordSnapshot) -> Vec<u64> {
    saved.events.iter().map(|it| it.sequence.number()).collect()
}

#[test]
fn a_new_ledger_notes_no_changes() {
    let mut ledger = Ledger::new(config());
    submit(&mut ledger);
    assert!(ledger.take_changes().is_empty());
}

#[test]
fn every_event_and_piece_is_in_one_change() {
    let mut ledger = ledger();
    submit(&mut ledger);
    send(&mut ledger, 1);
    let saved = only_update(&mut ledger);
    assert_eq!(numbers(&saved), [1]);
    assert_eq!(saved.input.unwrap().pieces.len(), 1);
    let lease = take(&mut ledger).unwrap();
    let waits = vec![RunEvent::AwaitingInput(lease.attempt()); 2];
    let after = lease.execution().sequence();
    ledger.append(&lease, after, waits, at(1)).unwrap();
    send(&mut ledger, 2);
    let saved = only_update(&mut ledger);
    assert_eq!(numbers(&saved), [2, 3, 4]);
    let positions = saved.input.unwrap().pieces;
    let positions: Vec<_> = positions.iter().map(|(at, _)| at.number()).collect();
    assert_eq!(positions, [1]);
    ledger.finish(&lease, finished(), at(2)).unwrap();
    let saved = only_update(&mut ledger);
    assert_eq!(numbers(&saved), [5]);
    assert!(saved.input.is_none() && saved.lease_end.is_some());
    assert!(ledger.take_changes().is_empty());
}

#[test]
fn steps_that_change_nothing_saved_are_no_changes() {
    let mut ledger = ledger();
    submit(&mut ledger);
    let lease = take(&mut ledger).unwrap();
    ledger.take_changes();
    submit(&mut ledger);
    ledger.renew(&lease, at(2)).unwrap();
    ledger.receive(&lease, InputPosition::START, at(2)).unwrap();
    ledger.get(execution_id(1), at(2)).unwrap();
    let after = lease.execution().sequence();
    ledger.append(&lease, after, Vec::new(), at(2)).unwrap();
    assert!(ledger.take_changes().is_empty());
    ledger.request_cancel(execution_id(1), at(2));
    assert!(only_update(&mut ledger).cancel_requested);
}

#[test]
fn a_deletion_is_a_change_if_the_record_was_saved() {
    let mut ledger = ledger();
    submit(&mut ledger);
    ledger.delete(execution_id(1), at(0));
    assert!(ledger.take_changes().is_empty(), "it was never saved");
    submit(&mut ledger);
    let first = only_update(&mut ledger).order;
    ledger.delete(execution_id(1), at(0));
    submit(&mut ledger);
    let changes = ledger.take_changes();
    let [RecordChange::Deleted(deleted), RecordChange::Updated(saved)] = &changes[..] else {
        panic!("not a deletion and a record: {changes:?}");
    };
    assert_eq!(*deleted, first);
    assert!(saved.order > first);
    assert_eq!(numbers(saved), [1]);
}

#[test]
fn a_restored_ledger_has_what_was_saved_and_no_changes() {
    let mut before = ledger();
    submit(&mut before);
    send(&mut before, 1);
    let saved = only_update(&mut before);
    let order = saved.order;
    let mut after = restore(vec![saved], SurvivingWorkers::None);
    assert!(after.take_changes().is_empty());
    assert_eq!(after.last_order(), order);
    assert_eq!(after.counts(), before.counts());
    send(&mut after, 1);
    let lease = take(&mut after).unwrap();
    let read = after.receive(&lease, InputPosition::START, at(1)).unwrap();
    assert_eq!(read.len(), 1);
    let saved = only_update(&mut after);
    assert_eq!((saved.order, numbers(&saved)), (order, vec![2]));
    assert_eq!(saved.input.unwrap().pieces, []);
}

#[test]
fn leases_go_on_with_surviving_workers_and_expire_without() {
    let mut before = ledger();
    submit(&mut before);
    let lease = take(&mut before).unwrap();
    let saved = only_update(&mut before);
    before
        .offers
        .announce(worker_offer("w"), at(9), at(0))
        .unwrap();
    let workers = SurvivingWorkers::All(before.take_offers());
    let mut alive = restore(vec![saved.clone()], workers);
    assert_eq!(take(&mut alive), None);
    assert_eq!(alive.offers.current(at(1)), [worker_offer("w")]);
    alive.renew(&lease, at(1)).unwrap();
    let mut gone = restore(vec![saved], SurvivingWorkers::None);
    assert_eq!(gone.offers.current(at(1)), []);
    assert_eq!(take(&mut gone).unwrap().attempt().count(), 2);
}

#[test]
fn an_expired_record_is_not_restored_and_its_deletion_is_a_change() {
    let mut before = ledger();
    submit(&mut before);
    before.request_cancel(execution_id(1), at(0));
    let saved = only_update(&mut before);
    let now = at(1) + store_policy().retention;
    let order = saved.order;
    let mut after = Ledger::restore(
        config(),
        SavedState {
            records: vec![saved],
            last_order: 7,
            workers: SurvivingWorkers::None,
        },
        now,
    );
    let changes = after.take_changes();
    assert!(matches!(changes[..], [RecordChange::Deleted(deleted)] if deleted == order));
    assert_eq!(after.counts().records, 0);
    assert_eq!(after.last_order(), 7, "its number is not used again");
}
