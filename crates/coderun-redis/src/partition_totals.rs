//! Caches the totals of all partitions for bounds of the whole service: a step sees only its own partition.
//!
//! The totals are up to a second old, so submissions within one second may exceed such a bound. On one node there is one
//! partition, and the bound is exact.

use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::layout::Partition;
use crate::reply::{UnexpectedReply, optional_bytes};

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
    /// Decodes the value that the scripts keep for a partition.
    pub(crate) fn decode(value: &[u8]) -> Result<Self, UnexpectedReply> {
        if value.is_empty() {
            return Ok(Self::default());
        }
        let mut rest = value;
        rmp::decode::read_array_len(&mut rest).map_err(|_| UnexpectedReply)?;
        // `run.lua` writes more values after these two.
        let mut next = || rmp_serde::from_read(&mut rest).map_err(|_| UnexpectedReply);
        Ok(Self {
            pending: next()?,
            bytes: next()?,
        })
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

impl RedisBackend {
    /// The totals of all other partitions. They are those of the last read while another call reads them, and for
    /// partitions that do not answer.
    pub(crate) async fn totals_elsewhere(&self, here: Partition) -> PartitionTotals {
        if self.shared.layout.count() == 1 {
            return PartitionTotals::default();
        }
        let (last, is_fresh) = self.shared.totals_cache.last();
        if is_fresh {
            return PartitionTotals::sum_of_others(&last, here);
        }
        let partitions = self.shared.layout.partitions();
        let read = join_all(partitions.map(|each| self.read_totals(each))).await;
        let read = read.into_iter().enumerate();
        let totals: Vec<_> = read
            .map(|(index, read)| read.unwrap_or(last.get(index).copied().unwrap_or_default()))
            .collect();
        let sum = PartitionTotals::sum_of_others(&totals, here);
        self.shared.totals_cache.store(totals);
        sum
    }

    async fn read_totals(&self, partition: Partition) -> Result<PartitionTotals, AdapterError> {
        let key = self.shared.layout.totals_key(partition);
        let [totals] = self.read([command(&["GET", &key])]).await?;
        Ok(PartitionTotals::decode(&optional_bytes(totals)?)?)
    }
}
