//! Stores a whole execution.

use coderun_domain::{Execution, ExecutionId};

use crate::progress::{decode_progress, encode_progress};
use crate::submission::{decode_submission, encode_submission};
use crate::{Field, Fields, RecordError};

/// Writes a whole execution without its id: what [`encode_submission`] and [`encode_progress`] write.
///
/// # Errors
/// [`RecordError::Unwritable`].
pub fn encode_execution(execution: &Execution) -> Result<Vec<Field<'_>>, RecordError> {
    let mut fields = encode_submission(execution.submission())?;
    fields.extend(encode_progress(execution.progress())?);
    Ok(fields)
}

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
