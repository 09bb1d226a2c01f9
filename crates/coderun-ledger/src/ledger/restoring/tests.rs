use bytes::Bytes;
use coderun_domain::testing::{
    EVERYONE, at, execution_id, finished, interactive_execution, language, store_policy,
    worker_offer,
};
use coderun_domain::{
    InputId, InputPiece, InputPosition, InputReply, Lease, RunEvent, SenderId, StorePolicy,
    WorkerId,
};

use super::*;

/// A ledger that notes what changes.
fn ledger() -> Ledger {
    restore(Vec::new(), None)
}

fn restore(records: Vec<RecordSnapshot>, volatile: Option<VolatileState>) -> Ledger {
    Ledger::restore(config(), records, volatile, at(0))
}

/// Without a bound on the rate of submissions, which is not saved.
fn config() -> LedgerConfig {
    LedgerConfig::new(StorePolicy {
        user_submits_per_minute: 0,
        ..store_policy()
    })
}

fn submit(ledger: &mut Ledger) {
    ledger.submit(&interactive_execution(), None).unwrap();
}

fn take(ledger: &mut Ledger) -> Option<Lease> {
    let worker = WorkerId::parse("w").unwrap();
    ledger
        .at(at(1))
        .take(&worker, &[language("python")], EVERYONE, 1)
        .pop()
}

fn send(ledger: &mut Ledger, number: u64) {
    let sender = SenderId::from_number(1);
    let piece = InputPiece::Data(Bytes::from_static(b"x"));
    let input = InputId { sender, number };
    let reply = ledger.at(at(1)).send(execution_id(1), input, piece);
    assert_eq!(reply, InputReply::Kept);
}

/// The only change, which must be an update.
fn only_update(ledger: &mut Ledger) -> RecordSnapshot {
    let mut changes = ledger.take_changes();
    assert_eq!((changes.updated.len(), changes.deleted.len()), (1, 0));
    changes.updated.remove(0)
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
    ledger.append(&lease, after, waits).unwrap();
    send(&mut ledger, 2);
    let saved = only_update(&mut ledger);
    assert_eq!(numbers(&saved), [2, 3, 4]);
    let positions = saved.input.unwrap().pieces;
    let positions: Vec<_> = positions.iter().map(|(at, _)| at.number()).collect();
    assert_eq!(positions, [1]);
    let last = lease.execution().sequence();
    let finished = ledger
        .at(at(2))
        .finish(&lease, last, Vec::new(), finished());
    finished.unwrap();
    let saved = only_update(&mut ledger);
    assert_eq!(numbers(&saved), [5]);
    assert!(saved.input.is_none() && saved.lease_end.is_some());
    assert!(ledger.take_changes().is_empty());
}

#[test]
fn every_append_is_a_change() {
    let mut ledger = ledger();
    submit(&mut ledger);
    let lease = take(&mut ledger).unwrap();
    ledger.take_changes();
    let mut after = lease.execution().sequence();
    for number in 3..6 {
        let event = RunEvent::AwaitingInput(lease.attempt());
        after = ledger.append(&lease, after, vec![event]).unwrap();
        assert_eq!(numbers(&only_update(&mut ledger)), [number]);
    }
}

#[test]
fn steps_that_change_nothing_saved_are_no_changes() {
    let mut ledger = ledger();
    submit(&mut ledger);
    let lease = take(&mut ledger).unwrap();
    ledger.take_changes();
    submit(&mut ledger);
    ledger.renew(&lease).unwrap();
    ledger.receive(&lease, InputPosition::START).unwrap();
    ledger.get(execution_id(1)).unwrap();
    let after = lease.execution().sequence();
    ledger.append(&lease, after, Vec::new()).unwrap();
    assert!(ledger.take_changes().is_empty());
    ledger.request_cancel(execution_id(1));
    assert!(only_update(&mut ledger).cancel_requested);
}

#[test]
fn a_deletion_is_a_change_if_the_record_was_saved() {
    let mut ledger = ledger();
    submit(&mut ledger);
    ledger.delete(execution_id(1));
    assert!(ledger.take_changes().is_empty(), "it was never saved");
    submit(&mut ledger);
    let first = only_update(&mut ledger).order;
    ledger.delete(execution_id(1));
    submit(&mut ledger);
    let changes = ledger.take_changes();
    assert_eq!((changes.deleted, changes.updated.len()), (vec![first], 1));
    assert!(changes.updated[0].order > first);
    assert_eq!(numbers(&changes.updated[0]), [1]);
}

#[test]
fn a_restored_ledger_has_what_was_saved_and_no_changes() {
    let mut before = ledger();
    submit(&mut before);
    send(&mut before, 1);
    let saved = only_update(&mut before);
    let order = saved.order;
    let mut after = restore(vec![saved], None);
    assert!(after.take_changes().is_empty());
    assert_eq!(after.volatile_state().last_order, order);
    assert_eq!(after.counts(), before.counts());
    send(&mut after, 1);
    let lease = take(&mut after).unwrap();
    let read = after.receive(&lease, InputPosition::START).unwrap();
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
    let mut alive = restore(vec![saved.clone()], Some(before.volatile_state()));
    assert_eq!(take(&mut alive), None);
    assert_eq!(alive.offers.current(at(1)), [worker_offer("w")]);
    alive.renew(&lease).unwrap();
    let mut gone = restore(vec![saved], None);
    assert_eq!(gone.offers.current(at(1)), []);
    assert_eq!(take(&mut gone).unwrap().attempt().count(), 2);
}

#[test]
fn an_expired_record_is_not_restored_and_its_deletion_is_a_change() {
    let mut before = ledger();
    submit(&mut before);
    before.request_cancel(execution_id(1));
    let saved = only_update(&mut before);
    let now = at(1) + store_policy().retention;
    let order = saved.order;
    let mut volatile = before.volatile_state();
    volatile.last_order = 7;
    let mut after = Ledger::restore(config(), vec![saved], Some(volatile), now);
    assert_eq!(after.take_changes().deleted, [order]);
    assert_eq!(after.counts().records, 0);
    assert_eq!(after.volatile_state().last_order, 7, "it is not used again");
}
