//! Cancels, releases and deletes executions.

use coderun_domain::{CancelReply, ExecutionId, ForcedEnd, Lease};
use serde::Deserialize;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::fence::fence;
use crate::step::Step;

/// The answer to a request to cancel.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CancelAnswer {
    Absent,
    Ended,
    Requested,
    Final,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeleteAnswer {
    Absent,
    Deleted,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReleaseAnswer {
    Done,
    Lost,
    Absent,
}

/// The words for an execution that ends as cancelled: its verdict, and why.
fn cancelled() -> (&'static str, &'static str) {
    let why = ForcedEnd::Cancelled;
    (why.ending().verdict().as_str(), why.as_str())
}

impl RedisBackend {
    pub(crate) async fn cancel_step(&self, id: ExecutionId) -> Result<CancelReply, AdapterError> {
        let (verdict, why) = cancelled();
        let step = Step::new(&("cancel", id.to_string(), (), verdict, why))?.replicated();
        let reply: fn(_) -> _ = match self.run_rare(id, step).await? {
            CancelAnswer::Absent => return Ok(CancelReply::Absent),
            CancelAnswer::Ended => CancelReply::Ended,
            CancelAnswer::Requested => CancelReply::Requested,
            CancelAnswer::Final => CancelReply::AlreadyFinal,
        };
        // The script does not answer the execution, which may be large.
        let execution = self.read_execution(id).await?;
        Ok(execution.map_or(CancelReply::Absent, |it| reply(Box::new(it))))
    }

    pub(crate) async fn delete_step(&self, id: ExecutionId) -> Result<bool, AdapterError> {
        let step = Step::new(&("delete", id.to_string()))?.replicated();
        let answer: DeleteAnswer = self.run_rare(id, step).await?;
        Ok(matches!(answer, DeleteAnswer::Deleted))
    }

    pub(crate) async fn release_step(&self, lease: &Lease) -> Result<(), AdapterError> {
        let (id, (worker, started, attempt)) = (lease.id(), fence(lease));
        let (verdict, why) = cancelled();
        let header = (
            "release",
            id.to_string(),
            (),
            worker,
            started,
            attempt,
            verdict,
            why,
        );
        let step = Step::new(&header)?.replicated();
        match self.run_rare(id, step).await? {
            ReleaseAnswer::Done => Ok(()),
            ReleaseAnswer::Lost | ReleaseAnswer::Absent => Err(AdapterError::LeaseLost),
        }
    }
}
