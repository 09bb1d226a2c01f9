//! Caches the totals of all partitions for bounds of the whole service: a step sees only its own partition.
//!
//! The totals are up to a second old, so submissions within one second may exceed such a bound. On one node there is one
//! partition, and the bound is exact.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::layout::Partition;
use crate::reply::UnexpectedReply;

const MAX_AGE: Duration = Duration::from_secs(1);

/// The waiting executions of a partition, and the bytes of its live submissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PartitionTotals {
    pub(crate) pending: u64,
    pub(crate) bytes: u64,
}

/// The last totals of every partition.
#[derive(Debug, Default)]
pub(crate) struct TotalsCache(Mutex<CachedTotals>);

#[derive(Debug, Default)]
struct CachedTotals {
    read_at: Option<Instant>,
    totals: Vec<PartitionTotals>,
}

impl PartitionTotals {
    /// Reads the value that the scripts keep for a partition.
    pub(crate) fn parse(text: &str) -> Result<Self, UnexpectedReply> {
        let mut counts = text.split(' ').map(str::parse);
        match (counts.next(), counts.next()) {
            (Some(Ok(pending)), Some(Ok(bytes))) => Ok(Self { pending, bytes }),
            _ => Err(UnexpectedReply),
        }
    }

    /// The sum over all partitions but this one.
    pub(crate) fn sum_of_others(totals: &[Self], here: Partition) -> Self {
        let others = totals.iter().enumerate();
        others.filter(|(index, _)| *index != here.index()).fold(
            Self::default(),
            |sum, (_, each)| Self {
                pending: sum.pending.saturating_add(each.pending),
                bytes: sum.bytes.saturating_add(each.bytes),
            },
        )
    }
}

impl TotalsCache {
    /// The last totals, and whether they may be used as they are. If not, the caller must read new ones; other callers use
    /// the last ones meanwhile.
    pub(crate) fn last(&self) -> (Vec<PartitionTotals>, bool) {
        let mut cached = self.0.lock();
        let is_fresh = cached.read_at.is_some_and(|at| at.elapsed() < MAX_AGE);
        if !is_fresh {
            cached.read_at = Some(Instant::now());
        }
        (cached.totals.clone(), is_fresh)
    }

    pub(crate) fn store(&self, totals: Vec<PartitionTotals>) {
        *self.0.lock() = CachedTotals {
            read_at: Some(Instant::now()),
            totals,
        };
    }
}
