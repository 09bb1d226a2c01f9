//! Opens the file, reads it whole, and changes it in durable transactions.

mod creating;
mod loading;
mod schema;
mod writing;

use std::path::Path;

use coderun_ledger::{RecordChange, RecordSnapshot};
use redb::{Database, DatabaseError, Durability, ReadableDatabase, ReadableTable};

use crate::RedbError;
use crate::stored::decode_record;
use creating::{create, remove_unfinished};
use loading::{load_events, load_input};
use schema::{NAME, PROGRESS, SUBMISSIONS, Tables, prepare};

pub(crate) use schema::builder;

/// A file of at most this size is never compacted.
const SMALL_BYTES: u64 = 16 << 20;

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    database: Database,
}

impl File {
    /// Opens the file in this folder, or begins a new one.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, RedbError> {
        create(folder)?;
        let opened = builder().open(folder.join(NAME));
        let file = Self::new(opened.map_err(|error| open_error(error, folder))?)?;
        remove_unfinished(folder);
        Ok(file)
    }

    /// Wraps a database whose version is ours; a new one becomes ours.
    pub(crate) fn new(database: Database) -> Result<Self, RedbError> {
        prepare(&database)?;
        Ok(Self { database })
    }

    /// Gives unused room back, if that is most of the file.
    pub(crate) fn compact(&mut self) -> Result<(), RedbError> {
        let transaction = self.database.begin_write().map_err(RedbError::file)?;
        let stats = transaction.stats().map_err(RedbError::file)?;
        transaction.abort().map_err(RedbError::file)?;
        let page_bytes = u64::try_from(stats.page_size()).unwrap_or(u64::MAX);
        let allocated = stats.allocated_pages().saturating_mul(page_bytes);
        // Free pages count as fragmented, and are not allocated.
        let used = stats.stored_bytes().saturating_add(stats.metadata_bytes());
        let whole = used.saturating_add(stats.fragmented_bytes());
        if whole > SMALL_BYTES && allocated < whole / 2 {
            self.database.compact().map_err(RedbError::file)?;
        }
        Ok(())
    }

    /// Reads every record.
    pub(crate) fn load(&self) -> Result<Vec<RecordSnapshot>, RedbError> {
        let transaction = self.database.begin_read().map_err(RedbError::file)?;
        let progress = transaction.open_table(PROGRESS).map_err(RedbError::file)?;
        let submissions = transaction
            .open_table(SUBMISSIONS)
            .map_err(RedbError::file)?;
        let mut all = Vec::new();
        for entry in submissions.iter().map_err(RedbError::file)? {
            let (order, submission) = entry.map_err(RedbError::file)?;
            let order = order.value();
            let progress = progress.get(order).map_err(RedbError::file)?;
            let progress = progress
                .ok_or_else(|| RedbError::Damaged("an execution without progress".into()))?;
            let mut record = decode_record(order, submission.value(), progress.value())?;
            load_events(&transaction, &mut record)?;
            load_input(&transaction, &mut record)?;
            all.push(record);
        }
        Ok(all)
    }

    /// Makes all of these changes durable, or none of them.
    pub(crate) fn write(&self, changes: &[RecordChange]) -> Result<(), RedbError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin_write().map_err(RedbError::file)?;
        transaction
            .set_durability(Durability::Immediate)
            .map_err(RedbError::file)?;
        {
            let mut tables = Tables::open(&transaction)?;
            for change in changes {
                match change {
                    RecordChange::Updated(record) => tables.write(record)?,
                    RecordChange::Deleted(order) => tables.delete(*order)?,
                }
            }
        }
        transaction.commit().map_err(RedbError::file)
    }
}

fn open_error(error: DatabaseError, folder: &Path) -> RedbError {
    let is_in_use = matches!(
        error,
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch
    );
    if is_in_use {
        let folder = folder.to_owned();
        return RedbError::InUse { folder };
    }
    RedbError::file(error)
}

#[cfg(test)]
mod tests;
