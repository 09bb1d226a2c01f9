//! Defines the tables of the file, and prepares a database to hold them.

use redb::{Builder, Database, ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::RedbError;

/// The name of the file in its folder.
pub(super) const NAME: &str = "coderun.redb";

/// The file is read once and then written: reads are answered by the ledger.
const CACHE_BYTES: usize = 16 << 20;

/// Describes the file as a whole: `version`.
pub(super) const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
pub(super) const VERSION_KEY: &str = "version";
const VERSION: &str = "1";

/// What was submitted, by the order of the record. Never changed.
pub(super) const SUBMISSIONS: Records = TableDefinition::new("submissions");
/// How far it has come, by the order of the record.
pub(super) const PROGRESS: Records = TableDefinition::new("progress");
/// The events, by the order of the record and their number.
pub(super) const EVENTS: Parts = TableDefinition::new("events");
/// The input that was sent to it, by the order of the record and the number of pieces before.
pub(super) const INPUT: Parts = TableDefinition::new("input");

pub(super) type Records = TableDefinition<'static, u64, &'static [u8]>;
pub(super) type Parts = TableDefinition<'static, (u64, u64), &'static [u8]>;

/// The tables of one transaction that writes.
pub(super) struct Tables<'t> {
    pub(super) submissions: Table<'t, u64, &'static [u8]>,
    pub(super) progress: Table<'t, u64, &'static [u8]>,
    pub(super) events: Table<'t, (u64, u64), &'static [u8]>,
    pub(super) input: Table<'t, (u64, u64), &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, RedbError> {
        Ok(Self {
            submissions: transaction.open_table(SUBMISSIONS)?,
            progress: transaction.open_table(PROGRESS)?,
            events: transaction.open_table(EVENTS)?,
            input: transaction.open_table(INPUT)?,
        })
    }
}

/// The options with which every file is opened.
pub(crate) fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Checks the version of a database. A new one gets a version and its tables.
pub(super) fn prepare(database: &Database) -> Result<(), RedbError> {
    let transaction = database.begin_write()?;
    {
        let mut about = transaction.open_table(ABOUT)?;
        let version = about.get(VERSION_KEY)?;
        match version.map(|version| version.value() == VERSION) {
            Some(true) => {}
            Some(false) => return Err(RedbError::Newer),
            None => drop(about.insert(VERSION_KEY, VERSION)?),
        }
        Tables::open(&transaction)?;
    }
    Ok(transaction.commit()?)
}
