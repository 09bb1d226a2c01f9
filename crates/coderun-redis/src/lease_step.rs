//! Runs the steps that only the holder of a lease may run.

use coderun_domain::Lease;
use coderun_record::micros;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::reply::Reply;
use crate::script::{Arguments, Script};

impl RedisBackend {
    /// Runs a step for the holder of this lease. `add` appends arguments to the fence.
    pub(crate) async fn run_lease_step<'a>(
        &self,
        lease: &'a Lease,
        script: &Script,
        add: impl FnOnce(Arguments<'a>) -> Arguments<'a> + Send,
    ) -> Result<Reply, AdapterError> {
        let arguments = add(fence(lease));
        unless_lost(self.run_step_on(lease.id(), script, arguments).await?)
    }
}

/// The fence: execution, worker, start and attempt of the lease.
pub(crate) fn fence(lease: &Lease) -> Arguments<'_> {
    Arguments::default()
        .text(lease.id().to_string())
        .text(lease.worker().as_str())
        .number(micros(lease.started_at()))
        .number(lease.attempt().count())
}

/// The reply of a lease step, or the error that the lease is lost.
pub(crate) fn unless_lost(reply: Reply) -> Result<Reply, AdapterError> {
    match reply.word() {
        "lost" | "absent" => Err(AdapterError::LeaseLost),
        _ => Ok(reply),
    }
}
