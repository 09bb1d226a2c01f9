//! Sweeps all partitions: ends executions past their deadlines and deletes expired records.

use coderun_domain::{EndedWithoutRun, ErrorChain, ForcedEnd, Swept};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::layout_check;
use crate::reply::{UnexpectedReply, array, number};
use crate::script::Arguments;

/// The number of executions that one step checks; other commands run between two steps.
const BATCH: u64 = 32;

impl RedisBackend {
    pub(crate) async fn sweep_partitions(&self) -> Result<Swept, AdapterError> {
        let checked = layout_check::check(&self.shared.connections, &self.shared.layout).await;
        if let Err(error @ AdapterError::Layout(_)) = checked {
            return Err(error);
        }
        let mut swept = Swept::default();
        let mut failed = checked.err();
        // The other partitions are swept even if one cannot be reached.
        for partition in self.shared.layout.partitions() {
            if let Err(error) = self.sweep_partition(partition, &mut swept).await {
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
    ) -> Result<(), AdapterError> {
        loop {
            let arguments = Arguments::default()
                .number(BATCH)
                .text(EndedWithoutRun::Failed.verdict().as_str())
                .text(ForcedEnd::RanTooLong.as_str())
                .text(ForcedEnd::WaitedTooLong.as_str())
                .text(ForcedEnd::GivenUp.as_str());
            let script = &self.shared.scripts.sweep;
            let counts = array(self.run_step(partition, script, arguments).await?)?;
            let [due, ended, expired] = counts.as_slice() else {
                return Err(UnexpectedReply.into());
            };
            swept.ended += usize::try_from(number(ended)?).unwrap_or(usize::MAX);
            swept.expired += usize::try_from(number(expired)?).unwrap_or(usize::MAX);
            if number(due)? < BATCH {
                return Ok(());
            }
        }
    }
}
