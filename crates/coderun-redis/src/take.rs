//! Takes the next execution for a worker, from one partition after the other.

use std::sync::atomic::Ordering;

use coderun_domain::{ExecutionId, Language, Lease, WorkerId};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::backend::read_execution;
use crate::layout::Partition;
use crate::record::read_fields;
use crate::reply::{Reply, UnexpectedReply};
use crate::script::Arguments;
use crate::shared_connections::CallAttempt;

impl RedisBackend {
    /// Starts after the partition of the last take, so that partitions take turns as users do.
    pub(crate) async fn take_from_partitions(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, AdapterError> {
        let state = &self.shared.take_state;
        let generation = self.shared.subscriber.work_generation();
        let take_id = state.next_take_id(worker);
        // A repeated take returns what the first attempt took before it takes anything else.
        let arguments = |attempt: CallAttempt| {
            let arguments = Arguments::default()
                .text(worker.as_str())
                .text(&take_id)
                .number(u8::from(attempt.number > 0));
            let languages = languages.iter().map(Language::as_str);
            languages.fold(arguments, Arguments::text)
        };
        let count = usize::from(self.shared.layout.count());
        let partitions = self.shared.layout.partitions().cycle();
        let in_turn = partitions.skip(state.next_partition() % count).take(count);
        for partition in in_turn {
            if count > 1 && state.is_skipped(partition) {
                continue;
            }
            let taken = self.take_from(partition, &arguments).await;
            if let Ok(None) = taken {
                continue;
            }
            // Also after an error, so that the other partitions do not wait for this one.
            state.start_after(partition);
            // A damaged record is no reason to skip the other records of its partition.
            if let Err(AdapterError::Command(_)) = taken {
                state.skip(partition);
            }
            return taken;
        }
        state.seen_generation.store(generation, Ordering::Release);
        Ok(None)
    }

    async fn take_from<'a>(
        &self,
        partition: Partition,
        arguments: &(impl Fn(CallAttempt) -> Arguments<'a> + Sync),
    ) -> Result<Option<Lease>, AdapterError> {
        let script = &self.shared.scripts.take;
        let make = |attempt| self.step_command(partition, script, &arguments(attempt), attempt);
        let mut reply = Reply::read(self.shared.connections.call(make).await?)?;
        match reply.word() {
            "nothing" => Ok(None),
            "taken" => {
                let id: ExecutionId = reply.text()?.parse().map_err(|_| UnexpectedReply)?;
                let execution = read_execution(id, read_fields(reply.value()?)?)?;
                let lease = Lease::new(execution.ok_or(UnexpectedReply)?);
                Ok(Some(lease.map_err(|_| UnexpectedReply)?))
            }
            _ => Err(UnexpectedReply.into()),
        }
    }
}
