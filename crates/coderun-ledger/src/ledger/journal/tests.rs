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
    restore(Vec::new(), Workers::Gone)
}

fn restore(records: Vec<Kept>, workers: Workers) -> Ledger {
    let restored = Restored {
        records,
        last_order: 0,
        workers,
    };
    Ledger::restore(config(), restored, at(0))
}

/// Without a bound on the rate of submissions, which is not kept.
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

/// The only change, of a record that is kept.
fn only(ledger: &mut Ledger) -> Kept {
    let mut changes = ledger.take_changes();
    match (changes.pop(), changes.pop()) {
        (Some(Change::Kept(kept)), None) => *kept,
        other => panic!("not one record: {other:?}"),
    }
}

fn numbers(kept: &Kept) -> Vec<u64> {
    kept.events.iter().map(|it| it.sequence.number()).collect()
}

#[test]
fn without_a_journal_nothing_is_told() {
    let mut ledger = Ledger::new(config());
    submit(&mut ledger);
    assert!(ledger.take_changes().is_empty());
}

#[test]
fn every_event_and_piece_is_told_once() {
    let mut ledger = ledger();
    submit(&mut ledger);
    send(&mut ledger, 1);
    let kept = only(&mut ledger);
    assert_eq!(numbers(&kept), [1]);
    assert_eq!(kept.input.unwrap().pieces.len(), 1);
    let lease = take(&mut ledger).unwrap();
    let waits = vec![RunEvent::AwaitingInput(lease.attempt()); 2];
    let after = lease.execution().sequence();
    ledger.append(&lease, after, waits, at(1)).unwrap();
    send(&mut ledger, 2);
    let kept = only(&mut ledger);
    assert_eq!(numbers(&kept), [2, 3, 4]);
    let positions = kept.input.unwrap().pieces;
    let positions: Vec<_> = positions.iter().map(|(at, _)| at.number()).collect();
    assert_eq!(positions, [1]);
    ledger.finish(&lease, finished(), at(2)).unwrap();
    let kept = only(&mut ledger);
    assert_eq!(numbers(&kept), [5]);
    assert!(kept.input.is_none() && kept.settled.is_some());
    assert!(ledger.take_changes().is_empty());
}

#[test]
fn what_changes_nothing_that_is_kept_is_not_told() {
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
    assert!(only(&mut ledger).cancel_requested);
}

#[test]
fn a_deletion_is_told_if_the_record_was() {
    let mut ledger = ledger();
    submit(&mut ledger);
    ledger.delete(execution_id(1), at(0));
    assert!(ledger.take_changes().is_empty(), "nobody knew of it");
    submit(&mut ledger);
    let first = only(&mut ledger).order;
    ledger.delete(execution_id(1), at(0));
    submit(&mut ledger);
    let changes = ledger.take_changes();
    let [Change::Deleted(deleted), Change::Kept(kept)] = &changes[..] else {
        panic!("not a deletion and a record: {changes:?}");
    };
    assert_eq!(*deleted, first);
    assert!(kept.order > first);
    assert_eq!(numbers(kept), [1]);
}

#[test]
fn a_restored_ledger_has_what_was_kept_and_tells_only_what_is_new() {
    let mut before = ledger();
    submit(&mut before);
    send(&mut before, 1);
    let kept = only(&mut before);
    let order = kept.order;
    let mut after = restore(vec![kept], Workers::Gone);
    assert!(after.take_changes().is_empty());
    assert_eq!(after.last_order(), order);
    assert_eq!(after.counts(), before.counts());
    send(&mut after, 1);
    let lease = take(&mut after).unwrap();
    let read = after.receive(&lease, InputPosition::START, at(1)).unwrap();
    assert_eq!(read.len(), 1);
    let kept = only(&mut after);
    assert_eq!((kept.order, numbers(&kept)), (order, vec![2]));
    assert_eq!(kept.input.unwrap().pieces, []);
}

#[test]
fn leases_go_on_while_the_workers_are_alive_and_end_when_they_are_gone() {
    let mut before = ledger();
    submit(&mut before);
    let lease = take(&mut before).unwrap();
    let kept = only(&mut before);
    before.announce(worker_offer("w"), at(9), at(0)).unwrap();
    let workers = Workers::Alive(before.take_offers());
    let mut alive = restore(vec![kept.clone()], workers);
    assert_eq!(take(&mut alive), None);
    assert_eq!(alive.offers(at(1)), [worker_offer("w")]);
    alive.renew(&lease, at(1)).unwrap();
    let mut gone = restore(vec![kept], Workers::Gone);
    assert_eq!(gone.offers(at(1)), []);
    assert_eq!(take(&mut gone).unwrap().attempt().count(), 2);
}

#[test]
fn what_has_expired_is_not_put_back_and_its_deletion_is_told() {
    let mut before = ledger();
    submit(&mut before);
    before.request_cancel(execution_id(1), at(0));
    let kept = only(&mut before);
    let now = at(1) + store_policy().retention;
    let order = kept.order;
    let mut after = Ledger::restore(
        config(),
        Restored {
            records: vec![kept],
            last_order: 7,
            workers: Workers::Gone,
        },
        now,
    );
    let changes = after.take_changes();
    assert!(matches!(changes[..], [Change::Deleted(deleted)] if deleted == order));
    assert_eq!(after.counts().records, 0);
    assert_eq!(after.last_order(), 7, "its number is not used again");
}
