//! Decodes summaries: executions without their texts, as a list shows them.

use coderun_domain::{ExecutionId, Language, Status, Summary, Verdict};
use coderun_record::{RecordError, Words};
use deadpool_redis::redis::Value;

use crate::adapter_error::AdapterError;
use crate::reply::{UnexpectedReply, array, text};

/// Reads one row of a list.
pub(crate) fn decode_summary(row: Value) -> Result<Summary, AdapterError> {
    let words: Vec<String> = array(row)?
        .into_iter()
        .map(text)
        .collect::<Result<_, _>>()?;
    let [id, language, status, verdict, created, updated] = words.as_slice() else {
        return Err(UnexpectedReply.into());
    };
    let id: ExecutionId = id.parse().map_err(|_| UnexpectedReply)?;
    read(id, [language, status, verdict, created, updated])
        .map_err(|error| AdapterError::of_record(id, error))
}

fn read(id: ExecutionId, words: [&String; 5]) -> Result<Summary, RecordError> {
    let [language, status, verdict, created, updated] = words;
    let updated_at = Words::new("updated", updated, 1).time()?;
    let verdict = Verdict::from_name(verdict);
    let status = match (status.as_str(), verdict) {
        ("pending", _) => Status::Pending,
        ("running", _) => Status::Running,
        ("final", Some(verdict)) => Status::from(verdict),
        _ => return Err(RecordError::Missing("status")),
    };
    Ok(Summary {
        id,
        language: Language::parse(language)?,
        status,
        verdict,
        created_at: Words::new("created", created, 1).time()?,
        updated_at,
        completed_at: verdict.map(|_| updated_at),
    })
}
