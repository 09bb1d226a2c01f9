//! Reads the counts of all partitions: a step sees only its own.
//!
//! For the bounds of the whole service they are cached for a second, so submissions within one second may exceed such a bound.
//! On one node there is one partition, and the bound is exact.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::layout::Partition;
use crate::reply::UnexpectedReply;

const MAX_AGE: Duration = Duration::from_secs(1);

/// The counts of a partition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    /// The waiting executions.
    pub(crate) pending: u64,
    /// The bytes of the live submissions.
    pub(crate) bytes: u64,
    pub(crate) running: u64,
}

/// The last totals of all partitions.
#[derive(Debug)]
pub(crate) struct PartitionTotals {
    client: Arc<Client>,
    last: Mutex<(Option<Instant>, Vec<Totals>)>,
}

/// Reads the totals of a partition.
pub(crate) async fn read_totals(
    client: &Client,
    partition: Partition,
) -> Result<Totals, AdapterError> {
    let get = command(&["GET", &client.layout.totals_key(partition)]);
    let value = client.read_value(&get).await?;
    let mut rest = &value[..];
    if rest.is_empty() {
        return Ok(Totals::default());
    }
    rmp::decode::read_array_len(&mut rest).map_err(|_| UnexpectedReply)?;
    // `run.lua` writes more values after these.
    let mut next = || rmp_serde::from_read(&mut rest).map_err(|_| UnexpectedReply);
    Ok(Totals {
        pending: next()?,
        bytes: next()?,
        running: next()?,
    })
}

impl PartitionTotals {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        let last = Mutex::default();
        Self { client, last }
    }

    /// The totals of all other partitions together. They are those of the last read while another call reads them, and for
    /// partitions that do not answer.
    pub(crate) async fn of_others(&self, here: Partition) -> Totals {
        let layout = &self.client.layout;
        if layout.count() == 1 {
            return Totals::default();
        }
        let (mut totals, is_fresh) = self.last();
        if !is_fresh {
            let reading = layout
                .partitions()
                .map(|each| read_totals(&self.client, each));
            let read = join_all(reading).await;
            totals.resize(read.len(), Totals::default());
            for (total, read) in totals.iter_mut().zip(read) {
                *total = read.unwrap_or(*total);
            }
            *self.last.lock() = (Some(Instant::now()), totals.clone());
        }
        let others = totals
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != here.index());
        others.fold(Totals::default(), |sum, (_, each)| Totals {
            pending: sum.pending.saturating_add(each.pending),
            bytes: sum.bytes.saturating_add(each.bytes),
            running: sum.running.saturating_add(each.running),
        })
    }

    /// The last totals, and whether they may be used as they are. If not, the caller reads new ones, and others use these meanwhile.
    fn last(&self) -> (Vec<Totals>, bool) {
        let (read_at, totals) = &mut *self.last.lock();
        let is_fresh = read_at.is_some_and(|at| at.elapsed() < MAX_AGE);
        if !is_fresh {
            *read_at = Some(Instant::now());
        }
        (totals.clone(), is_fresh)
    }
}
