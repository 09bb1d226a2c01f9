//! How a worker finds its next execution, in one partition after the other.

use std::sync::atomic::Ordering;

use coderun_domain::{ExecutionId, Language, Lease, WorkerId};
use deadpool_redis::redis::Cmd;

use crate::RedisBackend;
use crate::backend::read_execution;
use crate::failure::Failure;
use crate::lanes::Try;
use crate::layout::Partition;
use crate::reply::{Reply, Surprise};
use crate::script::Arguments;

impl RedisBackend {
    /// Begins behind the partition that was served last, so that partitions take turns as users do.
    pub(crate) async fn take_somewhere(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, Failure> {
        let taking = self.taking();
        let seen = self.hub().work_generation();
        let ticket = self.ticket(worker);
        let count = usize::from(self.layout().count());
        let first = taking.partition.load(Ordering::Relaxed);
        let in_turn = self.layout().partitions().cycle().skip(first % count);
        for partition in in_turn.take(count) {
            let request = TakeRequest {
                worker,
                languages,
                ticket: &ticket,
            };
            if let Some(lease) = self.take_in(partition, &request).await? {
                let next = partition.index() + 1;
                taking.partition.store(next, Ordering::Relaxed);
                return Ok(Some(lease));
            }
        }
        taking.seen.store(seen, Ordering::Release);
        Ok(None)
    }

    async fn take_in(
        &self,
        partition: Partition,
        request: &TakeRequest<'_>,
    ) -> Result<Option<Lease>, Failure> {
        let make = |attempt| self.take_command(partition, request, attempt);
        let mut reply = Reply::read(self.lanes().ask(make).await?)?;
        match reply.word() {
            "nothing" => Ok(None),
            "taken" => {
                let id: ExecutionId = reply.text()?.parse().map_err(|_| Surprise)?;
                let execution = read_execution(id, reply.value()?)?.ok_or(Surprise)?;
                Ok(Some(Lease { execution }))
            }
            _ => Err(Surprise.into()),
        }
    }

    /// A repeated take looks for what it has taken before it takes anything else.
    fn take_command(&self, partition: Partition, request: &TakeRequest<'_>, attempt: Try) -> Cmd {
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

struct TakeRequest<'a> {
    worker: &'a WorkerId,
    languages: &'a [Language],
    ticket: &'a str,
}
