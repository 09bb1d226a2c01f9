//! Runs steps that only the holder of a lease may run: renewing it, and appending events.

use coderun_domain::{Event, Lease, Renewal, RunEvent, Sequence};
use coderun_record::encode_event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::fence::fence;
use crate::step::{Script, Step};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RenewReply {
    Continue,
    Cancel,
    Lost,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AppendReply {
    Sequence(u64),
    Lost,
}

impl RedisBackend {
    pub(crate) async fn renew_step(&self, lease: &Lease) -> Result<Renewal, AdapterError> {
        let (worker, started, attempt) = fence(lease);
        let none: Option<&str> = None;
        let header = (
            "renew",
            lease.id().to_string(),
            none,
            worker,
            started,
            attempt,
        );
        match self.run_on_lease(lease, &Step::new(&header)?).await? {
            RenewReply::Continue => Ok(Renewal::Continue),
            RenewReply::Cancel => Ok(Renewal::Cancel),
            RenewReply::Lost => Err(AdapterError::LeaseLost),
        }
    }

    pub(crate) async fn append_step(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, AdapterError> {
        let (worker, started, attempt) = fence(lease);
        let none: Option<&str> = None;
        let step = Step::new(&(
            "append",
            lease.id().to_string(),
            none,
            worker,
            started,
            attempt,
            after.number(),
        ))?;
        let step = step.with_texts(&encode_events(events));
        match self.run_on_lease(lease, &step).await? {
            AppendReply::Sequence(number) => Ok(Sequence::from_number(number)),
            AppendReply::Lost => Err(AdapterError::LeaseLost),
        }
    }

    /// Runs a step on a leased execution, and decodes its reply.
    pub(crate) async fn run_on_lease<T: DeserializeOwned>(
        &self,
        lease: &Lease,
        step: &Step,
    ) -> Result<T, AdapterError> {
        let partition = self.shared.layout.of_execution(lease.id());
        let reply = self.run_step(partition, Script::Hot, step).await?;
        reply.decode_for(lease.id())
    }
}

/// The stored form of the events of a run.
pub(crate) fn encode_events(events: &[RunEvent]) -> Vec<Vec<u8>> {
    let events = events.iter().cloned().map(Event::from);
    events.map(|event| encode_event(&event)).collect()
}
