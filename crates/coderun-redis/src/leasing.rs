//! Steps of whoever holds a lease, and of nobody else.

use coderun_domain::{Lease, State};
use coderun_record::micros;

use crate::RedisBackend;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::script::{Arguments, Script};

impl RedisBackend {
    /// Runs a step of whoever holds this lease; `None` if it is lost. The fence comes before the arguments that are added.
    pub(crate) async fn lease_step<'a>(
        &self,
        lease: &'a Lease,
        script: &Script,
        add: impl FnOnce(Arguments<'a>) -> Arguments<'a> + Send,
    ) -> Result<Option<Reply>, Failure> {
        let Some(holder) = holder(lease) else {
            return Ok(None);
        };
        let reply = self.step_on(lease.id(), script, add(holder)).await?;
        Ok(unless_lost(reply))
    }
}

/// The fence: who holds this lease. `None` if it is a lease on something that does not run.
pub(crate) fn holder(lease: &Lease) -> Option<Arguments<'_>> {
    let State::Running { worker, started_at } = lease.execution.state() else {
        return None;
    };
    let holder = Arguments::default()
        .text(lease.id().to_string())
        .text(worker.as_str())
        .number(micros(*started_at))
        .number(lease.attempt().count());
    Some(holder)
}

/// The answer of a step of a lease, unless that is lost.
pub(crate) fn unless_lost(reply: Reply) -> Option<Reply> {
    match reply.word() {
        "lost" | "absent" => None,
        _ => Some(reply),
    }
}
