//! Reads a whole execution from the fields of its submission and its progress.

use coderun_domain::{Execution, ExecutionId};

use crate::progress::decode_progress;
use crate::submission::decode_submission;
use crate::{Fields, RecordError};

/// Reads a whole execution.
///
/// # Errors
/// [`RecordError::Newer`] if a newer version of the service wrote it, and every other but [`RecordError::Event`],
/// [`RecordError::Input`] and [`RecordError::Unwritable`] if it is damaged.
pub fn decode_execution(id: ExecutionId, mut fields: Fields) -> Result<Execution, RecordError> {
    let progress = decode_progress(&mut fields)?;
    let submission = decode_submission(&mut fields)?;
    Ok(Execution::restore(id, submission, progress))
}
