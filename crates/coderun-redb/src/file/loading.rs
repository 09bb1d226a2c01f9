//! Reads the events and the input of a record.

use coderun_domain::{InputPosition, Sequence, StoredEvent};
use coderun_ledger::RecordSnapshot;
use coderun_record::{decode_event, decode_input};
use redb::ReadTransaction;

use super::schema::{EVENTS, INPUT, Parts};
use crate::RedbError;
use crate::stored::unpack_one;

/// Adds the events of a record.
pub(super) fn load_events(
    transaction: &ReadTransaction,
    record: &mut RecordSnapshot,
) -> Result<(), RedbError> {
    let outcome = record.execution.outcome().cloned();
    let sequences = (1..).map(Sequence::from_number);
    for (sequence, packed) in sequences.zip(parts(transaction, EVENTS, record.order, 1)?) {
        let event = decode_event(unpack_one(&packed)?, sequence, outcome.as_ref())?;
        record.events.push(StoredEvent { sequence, event });
    }
    let last = record.events.last().map(|stored| stored.sequence);
    if last != Some(record.execution.sequence()) {
        return Err(RedbError::Damaged("not as many events as counted".into()));
    }
    Ok(())
}

/// Adds the pieces of input of a record.
pub(super) fn load_input(
    transaction: &ReadTransaction,
    record: &mut RecordSnapshot,
) -> Result<(), RedbError> {
    let Some(input) = &mut record.input else {
        return Ok(());
    };
    let positions = (input.dropped..).map(InputPosition::from_number);
    let pieces = parts(transaction, INPUT, record.order, input.dropped)?;
    for (position, packed) in positions.zip(pieces) {
        let piece = decode_input(unpack_one(&packed)?)?;
        input.pieces.push((position, piece));
    }
    Ok(())
}

/// The parts of a record in their order. They are numbered from `first` on, without gaps.
fn parts(
    transaction: &ReadTransaction,
    table: Parts,
    order: u64,
    first: u64,
) -> Result<Vec<Vec<u8>>, RedbError> {
    let entries = transaction.open_table(table)?;
    let mut parts = Vec::new();
    for (number, entry) in (first..).zip(entries.range((order, 0)..=(order, u64::MAX))?) {
        let (key, value) = entry?;
        if key.value().1 != number {
            return Err(RedbError::Damaged(format!("a gap in {table}").into()));
        }
        parts.push(value.value().to_vec());
    }
    Ok(parts)
}
