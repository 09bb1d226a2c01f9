//! Reads the events and the input of a record.

use coderun_domain::{InputPosition, Sequence, StoredEvent};
use coderun_ledger::RecordSnapshot;
use coderun_record::{decode_event, decode_input};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use super::schema::{EVENTS, INPUT};
use crate::RedbError;
use crate::stored::unpack_one;

/// Adds the events of a record.
pub(super) fn load_events(
    transaction: &ReadTransaction,
    record: &mut RecordSnapshot,
) -> Result<(), RedbError> {
    let events = transaction.open_table(EVENTS).map_err(RedbError::file)?;
    let outcome = record.execution.outcome().cloned();
    for (number, packed) in parts(&events, record.order)? {
        let sequence = Sequence::from_number(number);
        let event = decode_event(unpack_one(&packed)?, sequence, outcome.as_ref())?;
        record.events.push(StoredEvent { sequence, event });
    }
    let expected = 1..=record.execution.sequence().number();
    let is_whole = record
        .events
        .iter()
        .map(|stored| stored.sequence.number())
        .eq(expected);
    is_whole
        .then_some(())
        .ok_or_else(|| damaged("a gap between events"))
}

/// Adds the pieces of input of a record.
pub(super) fn load_input(
    transaction: &ReadTransaction,
    record: &mut RecordSnapshot,
) -> Result<(), RedbError> {
    let Some(input) = &mut record.input else {
        return Ok(());
    };
    let pieces = transaction.open_table(INPUT).map_err(RedbError::file)?;
    for (number, packed) in parts(&pieces, record.order)? {
        let piece = decode_input(unpack_one(&packed)?)?;
        input
            .pieces
            .push((InputPosition::from_number(number), piece));
    }
    let positions = input.pieces.iter().map(|(position, _)| position.number());
    let is_whole = (input.dropped..)
        .zip(positions)
        .all(|(expected, found)| expected == found);
    is_whole
        .then_some(())
        .ok_or_else(|| damaged("a gap in the input"))
}

/// The parts of a record in their order.
fn parts(
    table: &ReadOnlyTable<(u64, u64), &'static [u8]>,
    order: u64,
) -> Result<Vec<(u64, Vec<u8>)>, RedbError> {
    let range = ReadableTable::range(table, (order, 0)..=(order, u64::MAX));
    let entries = range.map_err(RedbError::file)?.map(|entry| {
        let (key, value) = entry.map_err(RedbError::file)?;
        Ok((key.value().1, value.value().to_vec()))
    });
    entries.collect()
}

fn damaged(what: &str) -> RedbError {
    RedbError::Damaged(what.into())
}
