//! Times as stored: whole microseconds since 1970, which also those numbers hold exactly that are floating.

use std::time::Duration;

use coderun_domain::BackendError;
use time::OffsetDateTime;

use crate::RecordError;

/// The stored form of a time, in microseconds since 1970; what is finer is dropped.
#[must_use]
pub fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The stored form of a length of time, in microseconds; what is finer is dropped.
#[must_use]
pub fn duration_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Reads a stored time, which stands in the field `name`.
///
/// # Errors
/// [`RecordError::Malformed`] if it lies outside of the years that a time can have.
pub fn from_micros(name: &'static str, micros: i64) -> Result<OffsetDateTime, RecordError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|error| RecordError::Malformed(name, BackendError::from(error)))
}
