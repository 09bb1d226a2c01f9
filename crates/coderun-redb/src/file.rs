//! The file: tables by the order of the records, opened, read whole and changed in durable transactions.

mod loading;
mod making;
mod tables;

use std::path::Path;

use coderun_ledger::{Change, Kept};
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition,
};

use crate::RedbError;
use crate::stored::decode_kept;
use loading::{load_events, load_input};
use making::{make, remove_unfinished};
use tables::Tables;

/// The name of the file in its folder.
const NAME: &str = "coderun.redb";

/// The file is read once and then written: the ledger is what is looked at.
const CACHE_BYTES: usize = 16 << 20;

/// A file that is no larger than this is never compacted.
const SMALL_BYTES: u64 = 16 << 20;

/// What is said of the file as a whole: `version`.
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const VERSION_KEY: &str = "version";
const VERSION: &str = "1";

/// What was handed in, by the order of the record. Never changed.
const SUBMISSIONS: Records = TableDefinition::new("submissions");
/// How far it has come, by the order of the record.
const PROGRESS: Records = TableDefinition::new("progress");
/// The events, by the order of the record and their number.
const EVENTS: Parts = TableDefinition::new("events");
/// What was sent to it, by the order of the record and the number of pieces before.
const INPUT: Parts = TableDefinition::new("input");

type Records = TableDefinition<'static, u64, &'static [u8]>;
type Parts = TableDefinition<'static, (u64, u64), &'static [u8]>;

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    database: Database,
}

impl File {
    /// Opens the file in this folder, or begins a new one.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, RedbError> {
        make(folder)?;
        let opened = builder().open(folder.join(NAME));
        let file = Self::checked(opened.map_err(|error| refused(error, folder))?)?;
        remove_unfinished(folder);
        Ok(file)
    }

    /// Looks whether this is a file of ours; a new one becomes one.
    pub(crate) fn checked(database: Database) -> Result<Self, RedbError> {
        let transaction = database.begin_write().map_err(broken)?;
        {
            let mut about = transaction.open_table(ABOUT).map_err(broken)?;
            let version = about.get(VERSION_KEY).map_err(broken)?;
            match version.map(|version| version.value() == VERSION) {
                Some(true) => {}
                Some(false) => return Err(RedbError::Newer),
                None => drop(about.insert(VERSION_KEY, VERSION).map_err(broken)?),
            }
            Tables::open(&transaction)?;
        }
        transaction.commit().map_err(broken)?;
        Ok(Self { database })
    }

    /// Gives room back that is not used, where that is most of the file.
    pub(crate) fn compact(&mut self) -> Result<(), RedbError> {
        let transaction = self.database.begin_write().map_err(broken)?;
        let stats = transaction.stats().map_err(broken)?;
        transaction.abort().map_err(broken)?;
        let page_bytes = u64::try_from(stats.page_size()).unwrap_or(u64::MAX);
        let allocated = stats.allocated_pages().saturating_mul(page_bytes);
        // What is free counts as fragmented, and is not allocated.
        let used = stats.stored_bytes().saturating_add(stats.metadata_bytes());
        let whole = used.saturating_add(stats.fragmented_bytes());
        if whole > SMALL_BYTES && allocated < whole / 2 {
            self.database.compact().map_err(broken)?;
        }
        Ok(())
    }

    /// Everything that is kept.
    pub(crate) fn load(&self) -> Result<Vec<Kept>, RedbError> {
        let transaction = self.database.begin_read().map_err(broken)?;
        let progress = transaction.open_table(PROGRESS).map_err(broken)?;
        let submissions = transaction.open_table(SUBMISSIONS).map_err(broken)?;
        let mut all = Vec::new();
        for entry in submissions.iter().map_err(broken)? {
            let (order, submission) = entry.map_err(broken)?;
            let order = order.value();
            let progress = progress.get(order).map_err(broken)?;
            let progress = progress.ok_or_else(|| incomplete("an execution without progress"))?;
            let mut kept = decode_kept(order, submission.value(), progress.value())?;
            load_events(&transaction, &mut kept)?;
            load_input(&transaction, &mut kept)?;
            all.push(kept);
        }
        Ok(all)
    }

    /// Makes all of these changes durable, or none of them.
    pub(crate) fn write(&self, changes: &[Change]) -> Result<(), RedbError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin_write().map_err(broken)?;
        transaction
            .set_durability(Durability::Immediate)
            .map_err(broken)?;
        {
            let mut tables = Tables::open(&transaction)?;
            for change in changes {
                match change {
                    Change::Kept(kept) => tables.keep(kept)?,
                    Change::Deleted(order) => tables.delete(*order)?,
                }
            }
        }
        transaction.commit().map_err(broken)
    }
}

/// How every file is opened.
pub(crate) fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn refused(error: DatabaseError, folder: &Path) -> RedbError {
    let is_in_use = matches!(
        error,
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch
    );
    if is_in_use {
        let folder = folder.to_owned();
        return RedbError::InUse { folder };
    }
    broken(error)
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> RedbError {
    RedbError::File(Box::new(error))
}

fn incomplete(what: &str) -> RedbError {
    RedbError::Damaged(what.into())
}

#[cfg(test)]
mod tests;
