//! What waits in other partitions: a step sees only its own, and the bound on all of them is for the whole service.
//!
//! The counts are up to a second old, so that the bound may be passed by what is submitted within a second. On one node
//! there is one partition and nothing elsewhere, and the bound is exact.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::reply::{UnexpectedReply, text};

/// How old the counts may be.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Executions that wait, and bytes that live submissions occupy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) pending: u64,
    pub(crate) bytes: u64,
}

/// The counts of every partition as last read.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    read: Option<Instant>,
    totals: Vec<Totals>,
}

impl RedisBackend {
    /// What there is in all partitions but this one. Whoever comes while they are being read gets the last counts, and
    /// so does everybody for a partition that does not answer.
    pub(crate) async fn totals_elsewhere(&self, here: Partition) -> Totals {
        if self.layout().count() == 1 {
            return Totals::default();
        }
        let cache = self.elsewhere();
        let (is_fresh, last) = cache.look();
        if is_fresh {
            return sum_except(&last, here);
        }
        let reads = self.layout().partitions().map(|each| self.totals_of(each));
        let read = join_all(reads).await.into_iter().enumerate();
        let totals: Vec<_> = read
            .map(|(index, read)| read.unwrap_or(last.get(index).copied().unwrap_or_default()))
            .collect();
        let sum = sum_except(&totals, here);
        cache.store(totals);
        sum
    }

    async fn totals_of(&self, partition: Partition) -> Result<Totals, AdapterError> {
        let mut command = Cmd::new();
        let key = format!("{}totals", self.layout().base(partition));
        command.arg("GET").arg(key);
        let found = self.ask(&command).await?;
        if found == Value::Nil {
            return Ok(Totals::default());
        }
        let words = text(found)?;
        let mut counts = words.split(' ').map(str::parse);
        match (counts.next(), counts.next()) {
            (Some(Ok(pending)), Some(Ok(bytes))) => Ok(Totals { pending, bytes }),
            _ => Err(UnexpectedReply.into()),
        }
    }
}

impl Cache {
    /// Whether the counts are fresh, or somebody is about to read them; and the counts.
    fn look(&self) -> (bool, Vec<Totals>) {
        let mut known = self.lock();
        let is_fresh = known.read.is_some_and(|read| read.elapsed() < MAX_AGE);
        if !is_fresh {
            known.read = Some(Instant::now());
        }
        (is_fresh, known.totals.clone())
    }

    fn store(&self, totals: Vec<Totals>) {
        let mut known = self.lock();
        known.read = Some(Instant::now());
        known.totals = totals;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sum_except(totals: &[Totals], here: Partition) -> Totals {
    let others = totals.iter().enumerate();
    others
        .filter(|(index, _)| *index != here.index())
        .fold(Totals::default(), |sum, (_, each)| Totals {
            pending: sum.pending.saturating_add(each.pending),
            bytes: sum.bytes.saturating_add(each.bytes),
        })
}
