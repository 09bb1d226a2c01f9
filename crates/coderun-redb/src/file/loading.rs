//! Reading what belongs to a record.

use coderun_domain::{InputPosition, Sequence, StoredEvent};
use coderun_ledger::Kept;
use coderun_record::{decode_event, decode_input};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use super::{EVENTS, INPUT, broken, incomplete};
use crate::RedbError;
use crate::stored::unpack_one;

/// Reads the events of a record that is known but for them.
pub(super) fn load_events(transaction: &ReadTransaction, kept: &mut Kept) -> Result<(), RedbError> {
    let events = transaction.open_table(EVENTS).map_err(broken)?;
    let outcome = kept.execution.outcome().cloned();
    for (number, packed) in parts(&events, kept.order)? {
        let sequence = Sequence::from_number(number);
        let event = decode_event(unpack_one(&packed)?, sequence, outcome.as_ref())?;
        kept.events.push(StoredEvent { sequence, event });
    }
    let expected = 1..=kept.execution.sequence().number();
    let is_whole = kept
        .events
        .iter()
        .map(|stored| stored.sequence.number())
        .eq(expected);
    is_whole
        .then_some(())
        .ok_or_else(|| incomplete("a gap between events"))
}

/// Reads the pieces of input of a record that is known but for them.
pub(super) fn load_input(transaction: &ReadTransaction, kept: &mut Kept) -> Result<(), RedbError> {
    let Some(input) = &mut kept.input else {
        return Ok(());
    };
    let pieces = transaction.open_table(INPUT).map_err(broken)?;
    for (number, packed) in parts(&pieces, kept.order)? {
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
        .ok_or_else(|| incomplete("a gap in the input"))
}

/// The parts of a record in their order.
fn parts(
    table: &ReadOnlyTable<(u64, u64), &'static [u8]>,
    order: u64,
) -> Result<Vec<(u64, Vec<u8>)>, RedbError> {
    let range = ReadableTable::range(table, (order, 0)..=(order, u64::MAX));
    let entries = range.map_err(broken)?.map(|entry| {
        let (key, value) = entry.map_err(broken)?;
        Ok((key.value().1, value.value().to_vec()))
    });
    entries.collect()
}
