//! Whom a ticket admits: `EXPIRES USER`.

use coderun_domain::{Admission, UserId};

use crate::{RecordError, from_micros, micros};

const ADMISSION: &str = "admission";

/// Writes whom a ticket admits.
#[must_use]
pub fn encode_admission(admission: &Admission) -> String {
    format!("{} {}", micros(admission.expires_at), admission.user)
}

/// Reads whom a ticket admits.
///
/// # Errors
/// [`RecordError::Missing`], [`RecordError::Malformed`] and [`RecordError::Identifier`] if it is not as it was written.
pub fn decode_admission(stored: &str) -> Result<Admission, RecordError> {
    let words = stored.split_once(' ');
    let (expires, user) = words.ok_or(RecordError::Missing(ADMISSION))?;
    let expires = expires
        .parse()
        .map_err(|error| RecordError::Malformed(ADMISSION, Box::new(error)))?;
    Ok(Admission {
        user: UserId::parse(user)?,
        expires_at: from_micros(ADMISSION, expires)?,
    })
}
