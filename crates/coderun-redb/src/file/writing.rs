//! Writes the changes of records into the tables.

use coderun_domain::Sequence;
use coderun_ledger::RecordSnapshot;
use coderun_record::{encode_event, encode_input};
use redb::Table;

use super::schema::Tables;
use crate::RedbError;
use crate::stored::{encode_progress_of, encode_submission_of, pack_one};

impl Tables<'_> {
    /// Writes what has changed of a record.
    pub(super) fn write(&mut self, record: &RecordSnapshot) -> Result<(), RedbError> {
        let order = record.order;
        let first = record.events.first().map(|stored| stored.sequence);
        if first == Some(Sequence::START.next()) {
            let submission = encode_submission_of(record)?;
            insert(&mut self.submissions, order, &submission)?;
        }
        insert(&mut self.progress, order, &encode_progress_of(record)?)?;
        for stored in &record.events {
            let key = (order, stored.sequence.number());
            insert(
                &mut self.events,
                key,
                &pack_one(&encode_event(&stored.event)),
            )?;
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
            insert(&mut self.input, key, &pack_one(&encode_input(piece)))?;
        }
        Ok(())
    }

    /// Removes everything of a record.
    pub(super) fn delete(&mut self, order: u64) -> Result<(), RedbError> {
        self.submissions.remove(order).map_err(RedbError::file)?;
        self.progress.remove(order).map_err(RedbError::file)?;
        remove_before(&mut self.events, order, u64::MAX)?;
        remove_before(&mut self.input, order, u64::MAX)
    }
}

fn insert<K: redb::Key + 'static>(
    table: &mut Table<'_, K, &'static [u8]>,
    key: K::SelfType<'_>,
    value: &[u8],
) -> Result<(), RedbError> {
    table.insert(key, value).map_err(RedbError::file)?;
    Ok(())
}

/// Removes the parts of a record before this number.
fn remove_before(
    table: &mut Table<'_, (u64, u64), &'static [u8]>,
    order: u64,
    number: u64,
) -> Result<(), RedbError> {
    table
        .retain_in((order, 0)..(order, number), |_, _| false)
        .map_err(RedbError::file)
}
