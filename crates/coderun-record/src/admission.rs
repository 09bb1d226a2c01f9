//! Stores the admission of a ticket: `EXPIRES USER`.

use coderun_domain::{Admission, UserId};

use crate::{RecordError, Words, micros};

/// Writes an admission.
#[must_use]
pub fn encode_admission(admission: &Admission) -> String {
    format!("{} {}", micros(admission.expires_at), admission.user)
}

/// Reads an admission.
///
/// # Errors
/// [`RecordError::Missing`], [`RecordError::Malformed`] and [`RecordError::Identifier`] if it is damaged.
pub fn decode_admission(stored: &str) -> Result<Admission, RecordError> {
    let mut words = Words::new("admission", stored, 2);
    let expires_at = words.time()?;
    let user = UserId::parse(words.word()?)?;
    Ok(Admission { user, expires_at })
}
