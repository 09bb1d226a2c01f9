//! Cancels, releases and deletes executions.

use coderun_domain::{CancelReply, ExecutionId, ForcedEnd, Lease};
use serde::Deserialize;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::fence::fence;
use crate::step::Step;
use crate::stored_execution::StoredExecution;

/// The answer to a request to cancel.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CancelAnswer {
    Absent,
    Ended(StoredExecution),
    Requested(StoredExecution),
    Final(StoredExecution),
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
        let now = self.now();
        let answer: CancelAnswer = self.run_rare(id, step).await?;
        let (stored, reply): (_, fn(_) -> _) = match answer {
            CancelAnswer::Absent => return Ok(CancelReply::Absent),
            CancelAnswer::Ended(stored) => (stored, CancelReply::Ended),
            CancelAnswer::Requested(stored) => (stored, CancelReply::Requested),
            CancelAnswer::Final(stored) => (stored, CancelReply::AlreadyFinal),
        };
        let execution = stored.decode(id, now)?;
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
