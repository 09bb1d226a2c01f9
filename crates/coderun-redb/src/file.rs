//! Opens the file, reads it whole, and changes it in durable transactions.

mod creating;
mod loading;
mod schema;
mod writing;

use std::path::Path;

use coderun_ledger::{LedgerChanges, RecordSnapshot};
use redb::{Database, DatabaseError, Durability, ReadableDatabase, ReadableTable};

use crate::RedbError;
use crate::stored::unpack_record;
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
        let transaction = self.database.begin_write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        let page_bytes = u64::try_from(stats.page_size()).unwrap_or(u64::MAX);
        let allocated = stats.allocated_pages().saturating_mul(page_bytes);
        // Free pages count as fragmented, and are not allocated.
        let used = stats.stored_bytes().saturating_add(stats.metadata_bytes());
        let whole = used.saturating_add(stats.fragmented_bytes());
        if whole > SMALL_BYTES && allocated < whole / 2 {
            self.database.compact()?;
        }
        Ok(())
    }

    /// Reads every record.
    pub(crate) fn load(&self) -> Result<Vec<RecordSnapshot>, RedbError> {
        let transaction = self.database.begin_read()?;
        let progress = transaction.open_table(PROGRESS)?;
        let submissions = transaction.open_table(SUBMISSIONS)?;
        let mut all = Vec::new();
        for entry in submissions.iter()? {
            let (order, submission) = entry?;
            let order = order.value();
            let progress = progress.get(order)?;
            let progress = progress
                .ok_or_else(|| RedbError::Damaged("an execution without progress".into()))?;
            let mut record = unpack_record(order, submission.value(), progress.value())?;
            load_events(&transaction, &mut record)?;
            load_input(&transaction, &mut record)?;
            all.push(record);
        }
        Ok(all)
    }

    /// Makes all of these changes durable, or none of them.
    pub(crate) fn write(&self, changes: &LedgerChanges) -> Result<(), RedbError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut tables = Tables::open(&transaction)?;
            for order in &changes.deleted {
                tables.delete(*order)?;
            }
            for record in &changes.updated {
                tables.write(record)?;
            }
        }
        Ok(transaction.commit()?)
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
    error.into()
}

#[cfg(test)]
mod tests;
