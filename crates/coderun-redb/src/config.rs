//! Defines the settings of this adapter.

use std::path::PathBuf;
use std::time::Duration;

use coderun_domain::StorePolicy;
use coderun_ledger::LedgerConfig;

/// Where the file is, how much it holds, and how long a step may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedbConfig {
    /// The folder of the file. It is created if it is not there, for its owner only.
    pub folder: PathBuf,
    /// The bounds of what is kept, in memory and in the file.
    pub ledger: LedgerConfig,
    /// The longest that a step waits, for its turn and for the disk. Default: 5 s.
    pub step_timeout: Duration,
}

impl RedbConfig {
    /// The defaults, with the file in this folder.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>, policy: StorePolicy) -> Self {
        Self {
            folder: folder.into(),
            ledger: LedgerConfig::new(policy),
            step_timeout: Duration::from_secs(5),
        }
    }
}
