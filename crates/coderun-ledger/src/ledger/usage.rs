//! Counts what executions that are not final occupy.

use std::collections::BTreeSet;

use coderun_domain::Cursor;

/// What one execution, one user or all users have that is not final.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Executions that wait.
    pub(crate) pending: u32,
    /// Bytes of executions that wait or run.
    pub(crate) live_bytes: u64,
}

/// The records of one user.
#[derive(Debug, Default)]
pub(crate) struct UserRecords {
    pub(crate) cursors: BTreeSet<Cursor>,
    pub(crate) usage: Usage,
}

impl Usage {
    pub(crate) const fn add(&mut self, other: Self) {
        self.pending += other.pending;
        self.live_bytes += other.live_bytes;
    }

    pub(crate) const fn subtract(&mut self, other: Self) {
        self.pending -= other.pending;
        self.live_bytes -= other.live_bytes;
    }
}

/// The number of things in memory, which fits.
pub(super) fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
