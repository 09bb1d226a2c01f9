//! Changing the tables.

use coderun_domain::Sequence;
use coderun_ledger::Kept;
use coderun_record::{encode_event, encode_input};
use redb::{Table, TableError, WriteTransaction};

use super::{EVENTS, INPUT, PROGRESS, SUBMISSIONS, broken};
use crate::RedbError;
use crate::stored::{encode_progress_of, encode_submission_of, pack_one};

/// The tables of one transaction that writes.
pub(super) struct Tables<'t> {
    submissions: Table<'t, u64, &'static [u8]>,
    progress: Table<'t, u64, &'static [u8]>,
    events: Table<'t, (u64, u64), &'static [u8]>,
    input: Table<'t, (u64, u64), &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, RedbError> {
        let open = || -> Result<Self, TableError> {
            Ok(Self {
                submissions: transaction.open_table(SUBMISSIONS)?,
                progress: transaction.open_table(PROGRESS)?,
                events: transaction.open_table(EVENTS)?,
                input: transaction.open_table(INPUT)?,
            })
        };
        open().map_err(broken)
    }

    /// Writes what is new about a record.
    pub(super) fn keep(&mut self, kept: &Kept) -> Result<(), RedbError> {
        let order = kept.order;
        let first = kept.events.first().map(|stored| stored.sequence);
        if first == Some(Sequence::START.next()) {
            let submission = encode_submission_of(kept)?;
            insert(&mut self.submissions, order, &submission)?;
        }
        insert(&mut self.progress, order, &encode_progress_of(kept)?)?;
        for stored in &kept.events {
            let event = pack_one(&encode_event(&stored.event));
            insert(&mut self.events, (order, stored.sequence.number()), &event)?;
        }
        if kept.execution.submission().is_interactive() {
            self.keep_input(kept)?;
        }
        Ok(())
    }

    fn keep_input(&mut self, kept: &Kept) -> Result<(), RedbError> {
        let Some(input) = &kept.input else {
            return remove_before(&mut self.input, kept.order, u64::MAX);
        };
        remove_before(&mut self.input, kept.order, input.dropped)?;
        for (position, piece) in &input.pieces {
            let piece = pack_one(&encode_input(piece));
            insert(&mut self.input, (kept.order, position.number()), &piece)?;
        }
        Ok(())
    }

    /// Removes everything of a record.
    pub(super) fn delete(&mut self, order: u64) -> Result<(), RedbError> {
        self.submissions.remove(order).map_err(broken)?;
        self.progress.remove(order).map_err(broken)?;
        remove_before(&mut self.events, order, u64::MAX)?;
        remove_before(&mut self.input, order, u64::MAX)
    }
}

fn insert<K: redb::Key + 'static>(
    table: &mut Table<'_, K, &'static [u8]>,
    key: K::SelfType<'_>,
    value: &[u8],
) -> Result<(), RedbError> {
    table.insert(key, value).map_err(broken)?;
    Ok(())
}

/// Removes the parts of a record before this place.
fn remove_before(
    table: &mut Table<'_, (u64, u64), &'static [u8]>,
    order: u64,
    place: u64,
) -> Result<(), RedbError> {
    table
        .retain_in((order, 0)..(order, place), |_, _| false)
        .map_err(broken)
}
