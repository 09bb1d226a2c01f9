//! Ends runs: the worker makes the final record, because it knows all of it, and the script stores it in one step.

use std::time::Duration;

use coderun_domain::{Lease, Outcome, RunEvent, Sequence};
use coderun_record::{duration_micros, from_micros, micros};
use serde::Deserialize;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::execution_queue::fence;
use crate::feed::RunEnd;
use crate::layout::owner;
use crate::reply::UnexpectedReply;
use crate::step::{Script, Step};
use crate::stored_events::encode_events;
use crate::stored_record::{End, LARGE_MIN_BYTES, encode_final, is_large};

/// How often a final record is made again because the stored progress differs from what the worker knows.
const ATTEMPTS_MAX: usize = 3;

/// A run that has ended, with the events that may not be stored yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishedRun<'a> {
    pub(crate) lease: &'a Lease,
    /// The number before that of the first event.
    pub(crate) after: Sequence,
    pub(crate) events: &'a [RunEvent],
    pub(crate) outcome: &'a Outcome,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FinishReply {
    Done,
    /// An earlier call has ended the run.
    Repeated,
    /// The record was made for another progress than this.
    Again(StoredProgress),
}

/// What a final record depends on: whether the events are in a list, the number of the last one, the time of the last
/// change.
#[derive(Debug, Clone, Copy, Deserialize)]
struct StoredProgress {
    is_streamed: bool,
    sequence: u64,
    updated: i64,
}

impl FinishedRun<'_> {
    /// The progress that is stored if nothing but this worker has changed it.
    fn expected_progress(&self) -> StoredProgress {
        let taken = self.lease.execution().progress();
        StoredProgress {
            // Only a run that was the first, and whose events were not appended, has none in a list.
            is_streamed: self.lease.attempt().count() > 1 || self.after > taken.sequence(),
            sequence: self.after.number(),
            updated: micros(taken.updated_at()),
        }
    }

    /// The end of the execution after this progress.
    fn end(&self, stored: StoredProgress, now: i64, retention: i64) -> End {
        let (worker, started, attempt) = fence(self.lease);
        let count = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        let last = self.after.number().saturating_add(count);
        let updated = now.max(stored.updated);
        End {
            attempt,
            takeovers: self.lease.execution().progress().takeovers(),
            sequence: last.max(stored.sequence).saturating_add(1),
            updated,
            started,
            worker: worker.to_owned(),
            expires: updated.saturating_add(retention),
            is_streamed: stored.is_streamed,
            is_forced: false,
            is_released: false,
            verdict: self.outcome.verdict().as_str().to_owned(),
        }
    }
}

/// Ends a run. Returns how, unless an earlier call did.
pub(crate) async fn finish(
    client: &Client,
    retention: Duration,
    run: FinishedRun<'_>,
) -> Result<Option<RunEnd>, AdapterError> {
    let retention = duration_micros(retention);
    let mut stored = run.expected_progress();
    for _ in 0..ATTEMPTS_MAX {
        let end = run.end(stored, micros(client.now()), retention);
        let completed_at = from_micros("updated", end.updated).map_err(AdapterError::Encode)?;
        let sequence = Sequence::from_number(end.sequence);
        let step = finish_step(client, run, end)?;
        match client.run(run.lease.id(), Script::Hot, step).await? {
            FinishReply::Done => {
                return Ok(Some(RunEnd {
                    sequence,
                    completed_at,
                }));
            }
            FinishReply::Repeated => return Ok(None),
            FinishReply::Again(progress) => stored = progress,
        }
    }
    Err(UnexpectedReply.into())
}

/// The step that stores the final record.
fn finish_step(client: &Client, run: FinishedRun<'_>, end: End) -> Result<Step, AdapterError> {
    let execution = run.lease.execution();
    let (worker, started, attempt) = fence(run.lease);
    let id = run.lease.id();
    let owner = owner(execution.submission().user());
    let created = micros(execution.progress().created_at());
    let entry = format!("{} {created} {owner} {id}", end.expires);
    let (sequence, updated, is_streamed) = (end.sequence, end.updated, end.is_streamed);
    let is_beside = is_large(execution.submission());
    let events = encode_events(run.events);
    let (in_list, in_record) = if is_streamed {
        (&events[..], &[][..])
    } else {
        (&[][..], &events[..])
    };
    let record = encode_final(execution, end, run.outcome, in_record);
    let record = record.map_err(AdapterError::Encode)?;
    let nonce = (record.len() >= LARGE_MIN_BYTES).then(|| client.nonce());
    let step = Step::new(&(
        "finish",
        id.to_string(),
        owner,
        worker,
        started,
        attempt,
        run.after.number(),
        run.events.len(),
        sequence,
        updated,
        is_streamed,
        is_beside,
        entry,
        nonce.as_deref(),
    ))?;
    let partition = client.layout.of_execution(id);
    let step = client.with_blob(step.with_texts(in_list), partition, nonce, record);
    Ok(step.replicated())
}
