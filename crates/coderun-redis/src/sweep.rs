//! Ends and deletes what is due, in every partition.

use coderun_domain::{EndedWithoutRun, ErrorChain, ForcedEnd, Swept};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::layout_check;
use crate::reply::{UnexpectedReply, array, number};
use crate::script::Arguments;

/// What one step of a sweep looks at, so that others get their turn at the server in between.
const BATCH: u64 = 32;

impl RedisBackend {
    pub(crate) async fn sweep_everywhere(&self) -> Result<Swept, AdapterError> {
        let checked = layout_check::check(self.lanes(), self.layout()).await;
        if let Err(failure @ AdapterError::Layout(_)) = checked {
            return Err(failure);
        }
        let mut swept = Swept::default();
        let mut failed = checked.err();
        // A partition that cannot be reached does not keep the others from being swept.
        for partition in self.layout().partitions() {
            if let Err(failure) = self.sweep_in(partition, &mut swept).await {
                tracing::debug!(error = %ErrorChain(&failure), "a part of the records was not swept");
                failed = Some(failure);
            }
        }
        match failed {
            Some(failure) if swept == Swept::default() => Err(failure),
            Some(_) | None => Ok(swept),
        }
    }

    async fn sweep_in(&self, partition: Partition, swept: &mut Swept) -> Result<(), AdapterError> {
        loop {
            let arguments = Arguments::default()
                .number(BATCH)
                .text(EndedWithoutRun::Failed.verdict().as_str())
                .text(ForcedEnd::RanTooLong.as_str())
                .text(ForcedEnd::WaitedTooLong.as_str())
                .text(ForcedEnd::GivenUp.as_str());
            let script = &self.scripts().sweep;
            let counts = array(self.step(partition, script, arguments).await?)?;
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
