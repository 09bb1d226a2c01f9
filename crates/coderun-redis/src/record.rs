//! Decodes records: the stored form of `coderun_record`, and two fields that the scripts write.

mod progress;
mod summary;

use coderun_domain::{Execution, ExecutionId};
use coderun_record::{Fields, RecordError, decode_submission, micros};
use deadpool_redis::redis::Value;
use time::OffsetDateTime;

use crate::reply::{UnexpectedReply, bytes};

pub(crate) use summary::decode_summary;

/// Reads the answer to `HGETALL`, or a script's copy of it.
pub(crate) fn read_fields(value: Value) -> Result<Fields, UnexpectedReply> {
    let pairs = value.into_map_iter().map_err(|_| UnexpectedReply)?;
    let fields = pairs.map(|(name, value)| Ok((bytes(name)?, bytes(value)?)));
    Ok(Fields::from_pairs(fields.collect::<Result<_, _>>()?))
}

/// Whether a final record has expired.
pub(crate) fn has_expired(fields: &Fields, now: OffsetDateTime) -> bool {
    let state = fields.get(progress::STATE);
    let state = state.and_then(|state| str::from_utf8(state).ok());
    state.is_some_and(|state| progress::has_expired(state, micros(now)))
}

/// Reads a whole record.
pub(crate) fn decode_execution(
    id: ExecutionId,
    mut fields: Fields,
) -> Result<Execution, RecordError> {
    let progress = progress::decode(&mut fields)?;
    let submission = decode_submission(&mut fields)?;
    Ok(Execution::restore(id, submission, progress))
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution_id;

    use super::*;

    #[test]
    fn a_record_of_a_newer_version_is_distinguished_from_a_damaged_one() {
        let decode = |fixed: &str| {
            let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
            let answer = Value::Array(vec![bulk("fixed"), bulk(fixed)]);
            decode_execution(execution_id(1), read_fields(answer).unwrap())
        };
        let result = decode("3 whatever comes");
        assert!(matches!(result, Err(RecordError::Newer)), "{result:?}");
        let result = decode("2 owner 2:python 1 1 1 1");
        assert!(
            matches!(result, Err(RecordError::Missing("state"))),
            "{result:?}"
        );
    }
}
