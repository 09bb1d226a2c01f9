//! Decodes what the scripts store of a live execution, beside its submission.

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};
use coderun_record::{RecordError, from_micros};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::version::check_version;

/// The name of the value in errors.
const LIVE: &str = "live";

/// The start of a msgpack array of as many values as [`LiveValue`] has.
const ARRAY_OF_VALUES: [u8; 1] = [0x9a];

/// The first values of a live execution, in the order of `to_value` in `records.lua`: those that its progress consists of.
/// Times are in microseconds.
#[derive(Deserialize)]
struct LiveValue {
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

/// The progress of a live execution. The values of its field in the hash `live` stand one after the other.
pub(crate) fn decode_live(bytes: &[u8]) -> Result<Progress, RecordError> {
    check_version(LIVE, bytes)?;
    let array = [&ARRAY_OF_VALUES[..], bytes].concat();
    let live: Result<LiveValue, _> = rmp_serde::from_slice(&array);
    let live = live.map_err(|error| RecordError::Malformed(LIVE, error.into()))?;
    let state = match live.status {
        LiveStatus::Pending => State::Pending,
        LiveStatus::Running => State::Running {
            worker: WorkerId::parse(&live.worker)?,
            started_at: from_micros(LIVE, live.started)?,
        },
    };
    Ok(Progress::restore(ProgressParts {
        state,
        attempt: Attempt::from_count(live.attempt),
        takeovers: live.takeovers,
        sequence: Sequence::from_number(live.sequence),
        created_at: from_micros(LIVE, live.created)?,
        updated_at: from_micros(LIVE, live.updated)?,
    })?)
}
