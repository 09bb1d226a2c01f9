//! How a worker finds its next execution, in one partition after the other.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use coderun_domain::{ExecutionId, Language, Lease, WorkerId};
use deadpool_redis::redis::Cmd;
use tokio::time::Instant;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::backend::{TakeState, read_execution};
use crate::layout::Partition;
use crate::record::read_fields;
use crate::reply::{Reply, UnexpectedReply};
use crate::script::Arguments;
use crate::shared_connections::CallAttempt;

/// A partition that could not be asked is left out for so long: each try costs the others the patience of a call.
const REST: Duration = Duration::from_secs(10);

impl RedisBackend {
    /// Begins behind the partition that was served last, so that partitions take turns as users do.
    pub(crate) async fn take_somewhere(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, AdapterError> {
        let taking = self.taking();
        let seen = self.hub().work_generation();
        let ticket = self.ticket(worker);
        let count = usize::from(self.layout().count());
        let first = taking.partition.load(Ordering::Relaxed);
        let in_turn = self.layout().partitions().cycle().skip(first % count);
        let request = TakeRequest {
            worker,
            languages,
            ticket: &ticket,
        };
        for partition in in_turn.take(count) {
            if count > 1 && taking.is_resting(partition) {
                continue;
            }
            // The next take begins behind this partition, also when it cannot be asked: the others must not wait for it.
            let next = partition.index() + 1;
            match self.take_in(partition, &request).await {
                Ok(None) => {}
                Ok(Some(lease)) => {
                    taking.partition.store(next, Ordering::Relaxed);
                    return Ok(Some(lease));
                }
                Err(failure) => {
                    taking.partition.store(next, Ordering::Relaxed);
                    // A damaged record is no reason to leave out what stands beside it.
                    if matches!(failure, AdapterError::CommandError(_)) {
                        taking.rest(partition);
                    }
                    return Err(failure);
                }
            }
        }
        taking.seen.store(seen, Ordering::Release);
        Ok(None)
    }

    async fn take_in(
        &self,
        partition: Partition,
        request: &TakeRequest<'_>,
    ) -> Result<Option<Lease>, AdapterError> {
        let make = |attempt| self.take_command(partition, request, attempt);
        let mut reply = Reply::read(self.lanes().ask(make).await?)?;
        match reply.word() {
            "nothing" => Ok(None),
            "taken" => {
                let id: ExecutionId = reply.text()?.parse().map_err(|_| UnexpectedReply)?;
                let execution =
                    read_execution(id, read_fields(reply.value()?)?)?.ok_or(UnexpectedReply)?;
                Ok(Some(Lease::new(execution).map_err(|_| UnexpectedReply)?))
            }
            _ => Err(UnexpectedReply.into()),
        }
    }

    /// A repeated take looks for what it has taken before it takes anything else.
    fn take_command(
        &self,
        partition: Partition,
        request: &TakeRequest<'_>,
        attempt: CallAttempt,
    ) -> Cmd {
        let arguments = Arguments::default()
            .text(request.worker.as_str())
            .text(request.ticket)
            .number(u8::from(attempt.number > 0));
        let arguments = request
            .languages
            .iter()
            .fold(arguments, |all, language| all.text(language.as_str()));
        self.step_command(partition, &self.scripts().take, &arguments, attempt)
    }

    /// A name for one take that no other take has.
    fn ticket(&self, worker: &WorkerId) -> String {
        let number = self.taking().tickets.fetch_add(1, Ordering::Relaxed);
        format!("{}:{number}:{worker}", self.taking().epoch)
    }
}

impl TakeState {
    fn is_resting(&self, partition: Partition) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let until = resting.get(&partition.index());
        until.is_some_and(|until| Instant::now() < *until)
    }

    fn rest(&self, partition: Partition) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.insert(partition.index(), Instant::now() + REST);
    }
}

struct TakeRequest<'a> {
    worker: &'a WorkerId,
    languages: &'a [Language],
    ticket: &'a str,
}
