//! Steps of whoever holds a lease, and of nobody else.

use coderun_domain::Lease;
use coderun_record::micros;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::reply::Reply;
use crate::script::{Arguments, Script};

impl RedisBackend {
    /// Runs a step of whoever holds this lease; `None` if it is lost. The fence comes before the arguments that are added.
    pub(crate) async fn lease_step<'a>(
        &self,
        lease: &'a Lease,
        script: &Script,
        add: impl FnOnce(Arguments<'a>) -> Arguments<'a> + Send,
    ) -> Result<Option<Reply>, AdapterError> {
        let arguments = add(holder(lease));
        let reply = self.step_on(lease.id(), script, arguments).await?;
        Ok(unless_lost(reply))
    }
}

/// The fence: the lease's execution, worker, start and attempt.
pub(crate) fn holder(lease: &Lease) -> Arguments<'_> {
    Arguments::default()
        .text(lease.id().to_string())
        .text(lease.worker().as_str())
        .number(micros(lease.started_at()))
        .number(lease.attempt().count())
}

/// The answer of a step of a lease, unless that is lost.
pub(crate) fn unless_lost(reply: Reply) -> Option<Reply> {
    match reply.word() {
        "lost" | "absent" => None,
        _ => Some(reply),
    }
}
