//! Writes the changes of records into the tables.

use coderun_domain::Sequence;
use coderun_ledger::RecordSnapshot;
use coderun_record::{encode_event, encode_input};
use redb::Table;

use super::schema::Tables;
use crate::RedbError;
use crate::stored::{pack_one, pack_progress, pack_submission};

impl Tables<'_> {
    /// Writes what has changed of a record.
    pub(super) fn write(&mut self, record: &RecordSnapshot) -> Result<(), RedbError> {
        let order = record.order;
        let first = record.events.first().map(|stored| stored.sequence);
        if first == Some(Sequence::START.next()) {
            let submission = pack_submission(record)?;
            self.submissions.insert(order, &*submission)?;
        }
        self.progress.insert(order, &*pack_progress(record)?)?;
        for stored in &record.events {
            let key = (order, stored.sequence.number());
            let packed = pack_one(&encode_event(&stored.event));
            self.events.insert(key, &*packed)?;
        }
        if record.execution.submission().is_interactive() {
            self.write_input(record)?;
        }
        Ok(())
    }

    fn write_input(&mut self, record: &RecordSnapshot) -> Result<(), RedbError> {
        let Some(input) = &record.input else {
            return remove_before(&mut self.input, record.order, u64::MAX);
        };
        remove_before(&mut self.input, record.order, input.dropped)?;
        for (position, piece) in &input.pieces {
            let key = (record.order, position.number());
            self.input.insert(key, &*pack_one(&encode_input(piece)))?;
        }
        Ok(())
    }

    /// Removes everything of a record.
    pub(super) fn delete(&mut self, order: u64) -> Result<(), RedbError> {
        self.submissions.remove(order)?;
        self.progress.remove(order)?;
        remove_before(&mut self.events, order, u64::MAX)?;
        remove_before(&mut self.input, order, u64::MAX)
    }
}

/// Removes the parts of a record before this number.
fn remove_before(
    table: &mut Table<'_, (u64, u64), &'static [u8]>,
    order: u64,
    number: u64,
) -> Result<(), RedbError> {
    Ok(table.retain_in((order, 0)..(order, number), |_, _| false)?)
}
