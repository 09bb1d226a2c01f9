//! Decodes what the scripts store of a live execution, beside its submission.

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};
use coderun_record::{RecordError, from_micros};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::version::VERSION;

/// The name of the value in errors.
const LIVE: &str = "live";

/// The start of a msgpack array of as many values as [`LiveValue`] has.
const ARRAY_OF_VALUES: [u8; 1] = [0x9a];

/// The first values of a live execution, in the order of `to_value` in `records.lua`: those that its progress consists of.
/// Times are in microseconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LiveValue {
    _version: IgnoredAny,
    status: LiveStatus,
    attempt: u32,
    sequence: u64,
    updated: i64,
    started: i64,
    worker: String,
    _token: IgnoredAny,
    takeovers: u32,
    created: i64,
}

/// The states that are not final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LiveStatus {
    Pending,
    Running,
}

impl LiveValue {
    /// Decodes a field of the hash `live`, which has its values one after the other.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let malformed =
            |error: rmp_serde::decode::Error| RecordError::Malformed(LIVE, error.into());
        // A newer version may have another number of values.
        let version: String = rmp_serde::from_read(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(RecordError::Newer);
        }
        let array = [&ARRAY_OF_VALUES[..], bytes].concat();
        rmp_serde::from_slice(&array).map_err(malformed)
    }

    /// The progress of the execution.
    pub(crate) fn progress(&self) -> Result<Progress, RecordError> {
        let state = match self.status {
            LiveStatus::Pending => State::Pending,
            LiveStatus::Running => State::Running {
                worker: WorkerId::parse(&self.worker)?,
                started_at: from_micros(LIVE, self.started)?,
            },
        };
        Ok(Progress::restore(ProgressParts {
            state,
            attempt: Attempt::from_count(self.attempt),
            takeovers: self.takeovers,
            sequence: Sequence::from_number(self.sequence),
            created_at: from_micros(LIVE, self.created)?,
            updated_at: from_micros(LIVE, self.updated)?,
        })?)
    }
}
