//! What waits in other partitions: a step sees only its own, and the bound on all of them is for the whole service.
//!
//! The counts are up to a second old, so that the bound may be passed by what is submitted within a second. On one node
//! there is one partition and nothing elsewhere, and the bound is exact.

use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value};
use futures_util::future::try_join_all;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::RedisBackend;
use crate::failure::Failure;
use crate::layout::Partition;
use crate::reply::{Surprise, text};

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
pub(crate) struct Cache(Mutex<Option<(Instant, Vec<Totals>)>>);

impl RedisBackend {
    /// What there is in all partitions but this one.
    pub(crate) async fn totals_elsewhere(&self, here: Partition) -> Result<Totals, Failure> {
        if self.layout().count() == 1 {
            return Ok(Totals::default());
        }
        let mut cache = self.elsewhere().0.lock().await;
        let known = cache.as_ref().filter(|(read, _)| read.elapsed() < MAX_AGE);
        if let Some((_, totals)) = known {
            return Ok(sum_except(totals, here));
        }
        let reads = self.layout().partitions().map(|each| self.totals_of(each));
        let totals = try_join_all(reads).await?;
        let sum = sum_except(&totals, here);
        *cache = Some((Instant::now(), totals));
        Ok(sum)
    }

    async fn totals_of(&self, partition: Partition) -> Result<Totals, Failure> {
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
            _ => Err(Surprise.into()),
        }
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
