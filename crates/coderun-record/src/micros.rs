//! Stores times as whole microseconds since 1970, which floating point numbers hold exactly, too.

use std::time::Duration;

use coderun_domain::BackendError;
use time::OffsetDateTime;

use crate::RecordError;

/// The stored form of a time, in microseconds since 1970; fractions are dropped.
#[must_use]
pub fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The stored form of a duration, in microseconds; fractions are dropped.
#[must_use]
pub fn duration_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Reads a stored time from the field `name`.
///
/// # Errors
/// [`RecordError::Malformed`] if it is out of range.
pub fn from_micros(name: &'static str, micros: i64) -> Result<OffsetDateTime, RecordError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|error| RecordError::Malformed(name, BackendError::from(error)))
}
