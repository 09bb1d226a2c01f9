//! Sweeps all partitions: ends executions past their deadlines or without a worker, deletes expired records, and audits a part
//! of what is live.

use coderun_domain::{EndedWithoutRun, ErrorChain, ForcedEnd, Swept};
use coderun_record::{duration_micros, micros};
use serde::Deserialize;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::layout_check;
use crate::step::Step;
use crate::unserved_languages::OfferedLanguages;

/// The number of executions that one step checks in each index; other commands run between two steps.
const BATCH: u64 = 32;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SweepAnswer {
    Swept(SweptBatch),
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

impl RedisBackend {
    pub(crate) async fn sweep_partitions(&self) -> Result<Swept, AdapterError> {
        let checked = layout_check::check(&self.shared.transport, &self.shared.layout).await;
        if let Err(error @ AdapterError::Layout(_)) = checked {
            return Err(error);
        }
        let (mut swept, mut offered) = (Swept::default(), None);
        let mut failed = checked.err();
        // The other partitions are swept even if one cannot be reached.
        for partition in self.shared.layout.partitions() {
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
        let waiting_for = self.sweep_overdue(partition, &[], swept).await?;
        let unserved = self.unserved_languages(partition, waiting_for, offered);
        let unserved = unserved.await?;
        if !unserved.is_empty() {
            self.sweep_overdue(partition, &unserved, swept).await?;
        }
        self.audit(partition).await
    }

    /// Ends what is overdue, and what waits for one of these languages. Returns the languages in which something waits.
    async fn sweep_overdue(
        &self,
        partition: Partition,
        unserved: &[String],
        swept: &mut Swept,
    ) -> Result<Vec<String>, AdapterError> {
        let no_worker_deadline = duration_micros(self.shared.policy.no_worker_deadline);
        let (mut waits, mut leases) = (0, 0);
        loop {
            let now = micros(self.now());
            let header = (
                "sweep",
                (),
                (),
                BATCH,
                waits,
                leases,
                words(),
                unserved,
                now.saturating_sub(no_worker_deadline),
            );
            let reply = self.run_rare_in(partition, Step::new(&header)?);
            let SweepAnswer::Swept(batch) = reply.await?.decode()?;
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
    pub(crate) fn report_repairs(&self, partition: Partition, repaired: u64) {
        if repaired > 0 {
            let partition = partition.index();
            tracing::warn!(repaired, partition, "repaired indexes of live executions");
        }
        self.count_repairs(repaired);
    }
}

/// The words of forced ends, in the order that the script expects.
const fn words() -> [&'static str; 5] {
    [
        EndedWithoutRun::Failed.verdict().as_str(),
        ForcedEnd::WaitedTooLong.as_str(),
        ForcedEnd::NoWorker.as_str(),
        ForcedEnd::RanTooLong.as_str(),
        ForcedEnd::GivenUp.as_str(),
    ]
}
