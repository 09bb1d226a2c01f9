//! Sweeps all partitions: ends executions past their deadlines or without a worker, deletes expired records, and audits a part
//! of what is live.

use std::sync::Arc;

use coderun_domain::{ErrorChain, StorePolicy, Swept};
use coderun_record::{duration_micros, micros};
use serde::Deserialize;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::layout::Partition;
use crate::layout_check::check_layout;
use crate::step::{Script, Step};
use crate::unserved_languages::{OfferedLanguages, UnservedLanguages};
use crate::worker_registry::RedisWorkerRegistry;

/// The number of executions that one step checks in each index; other commands run between two steps.
const BATCH: u64 = 32;

/// Sweeps for one process.
#[derive(Debug)]
pub(crate) struct Sweeper {
    client: Arc<Client>,
    registry: Arc<RedisWorkerRegistry>,
    policy: StorePolicy,
    unserved: UnservedLanguages,
}

/// What one step has done.
#[derive(Deserialize)]
struct SweptBatch {
    ended: usize,
    expired: usize,
    repaired: u64,
    /// How many members of each index the next step skips; negative if it has nothing to do there.
    skipped_waits: i64,
    skipped_leases: i64,
    has_more_expired: bool,
    /// The languages in which something waits.
    languages: Vec<String>,
}

impl Sweeper {
    pub(crate) fn new(
        client: Arc<Client>,
        registry: Arc<RedisWorkerRegistry>,
        policy: StorePolicy,
    ) -> Self {
        Self {
            client,
            registry,
            policy,
            unserved: UnservedLanguages::default(),
        }
    }

    pub(crate) async fn sweep(&self) -> Result<Swept, AdapterError> {
        let checked = check_layout(&self.client).await;
        if let Err(error @ AdapterError::Partitions { .. }) = checked {
            return Err(error);
        }
        let (mut swept, mut offered) = (Swept::default(), None);
        let mut failed = checked.err();
        // The other partitions are swept even if one cannot be reached.
        for partition in self.client.layout.partitions() {
            let sweeping = self.sweep_partition(partition, &mut swept, &mut offered);
            if let Err(error) = sweeping.await {
                tracing::debug!(error = %ErrorChain(&error), "cannot sweep a partition");
                failed = Some(error);
            }
        }
        match failed {
            Some(error) if swept == Swept::default() => Err(error),
            Some(_) | None => Ok(swept),
        }
    }

    async fn sweep_partition(
        &self,
        partition: Partition,
        swept: &mut Swept,
        offered: &mut Option<OfferedLanguages>,
    ) -> Result<(), AdapterError> {
        let mut waiting_for = self.end_overdue(partition, &[], swept).await?;
        if !waiting_for.is_empty() {
            let offered = match offered {
                Some(offered) => offered,
                None => offered.insert(self.registry.offered_languages().await?),
            };
            waiting_for.retain(|language| !offered.contains(language));
        }
        let (deadline, now) = (self.policy.no_worker_deadline, self.client.now());
        let overdue = self
            .unserved
            .note(partition.index(), waiting_for, deadline, now);
        if !overdue.is_empty() {
            self.end_overdue(partition, &overdue, swept).await?;
        }
        Ok(())
    }

    /// Ends what is overdue, and what waits for one of these languages. Returns the languages in which something waits.
    async fn end_overdue(
        &self,
        partition: Partition,
        unserved: &[String],
        swept: &mut Swept,
    ) -> Result<Vec<String>, AdapterError> {
        let no_worker_deadline = duration_micros(self.policy.no_worker_deadline);
        let (mut waits, mut leases) = (0, 0);
        loop {
            let unserved_before = micros(self.client.now()).saturating_sub(no_worker_deadline);
            let header = (
                "sweep",
                (),
                (),
                BATCH,
                waits,
                leases,
                unserved,
                unserved_before,
            );
            let step = Step::new(&header)?;
            let batch: SweptBatch = self.client.run_in(partition, Script::Rare, step).await?;
            swept.ended += batch.ended;
            swept.expired += batch.expired;
            self.report_repairs(partition, batch.repaired);
            (waits, leases) = (batch.skipped_waits, batch.skipped_leases);
            if waits < 0 && leases < 0 && !batch.has_more_expired {
                return Ok(batch.languages);
            }
        }
    }

    /// Logs and counts repairs, which only a loss of data or a defect makes necessary.
    fn report_repairs(&self, partition: Partition, repaired: u64) {
        if repaired > 0 {
            let partition = partition.index();
            tracing::warn!(repaired, partition, "repaired indexes of live executions");
        }
        self.client.count_repairs(repaired);
    }
}
