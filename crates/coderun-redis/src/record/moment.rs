//! Times as stored: whole microseconds since 1970, which Lua's numbers hold exactly.

use std::time::Duration;

use coderun_domain::BackendError;
use time::OffsetDateTime;

use super::RecordError;

/// The stored form of a time; what is finer than a microsecond is dropped.
pub(crate) fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The stored form of a length of time.
pub(crate) fn duration_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Reads a stored time.
pub(super) fn from_micros(name: &'static str, micros: i64) -> Result<OffsetDateTime, RecordError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|error| RecordError::Malformed(name, BackendError::from(error)))
}
