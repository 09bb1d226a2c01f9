//! Defines the bounds of a ledger.

use coderun_domain::{ByteSize, StorePolicy};

/// The rules and bounds that a ledger enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerConfig {
    /// The rules of every store.
    pub policy: StorePolicy,
    /// What final records may occupy together, texts, output and bookkeeping. Beyond it records are deleted before their
    /// retention is over, each time the oldest of the user who occupies the most; the latest of all stays, whatever its
    /// size. Default: 256 MiB.
    pub final_bytes_max: ByteSize,
}

impl LedgerConfig {
    /// The defaults beside this policy.
    #[must_use]
    pub const fn new(policy: StorePolicy) -> Self {
        Self {
            policy,
            final_bytes_max: ByteSize::from_mib(256),
        }
    }
}
