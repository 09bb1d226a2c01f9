//! Encodes lists of executions, and their cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::{Cursor, ExecutionId, Summary, Verdict};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::format::{DisplayText, Timestamp};

/// A page of a user's executions, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct ExecutionList<'a> {
    executions: Vec<SummaryRecord<'a>>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct SummaryRecord<'a> {
    execution_id: DisplayText<ExecutionId>,
    language: &'a str,
    status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    completed_at: Option<Timestamp>,
    verdict: Option<&'static str>,
}

impl<'a> From<&'a Summary> for SummaryRecord<'a> {
    fn from(summary: &'a Summary) -> Self {
        Self {
            execution_id: DisplayText(summary.id),
            language: summary.language.as_str(),
            status: summary.status.as_str(),
            created_at: Timestamp(summary.created_at),
            updated_at: Timestamp(summary.updated_at),
            completed_at: summary.completed_at.map(Timestamp),
            verdict: summary.verdict.map(Verdict::as_str),
        }
    }
}

impl<'a> ExecutionList<'a> {
    /// The first `limit` entries, with a cursor if there are more.
    pub(crate) fn new(found: &'a [Summary], limit: usize) -> Self {
        let (page, more) = found.split_at_checked(limit).unwrap_or((found, &[]));
        let last = page.last().filter(|_| !more.is_empty());
        Self {
            executions: page.iter().map(SummaryRecord::from).collect(),
            next_cursor: last.map(|summary| encode_cursor(summary.cursor())),
        }
    }
}

/// 16 bytes of time, in nanoseconds since 1970, and 16 of the id; opaque to clients.
fn encode_cursor(cursor: Cursor) -> String {
    let time = cursor.created_at.unix_timestamp_nanos().to_be_bytes();
    URL_SAFE_NO_PAD.encode([time, *cursor.id.as_uuid().as_bytes()].concat())
}

/// The cursor behind this text, or `None` if the text is not a cursor.
pub(crate) fn decode_cursor(text: &str) -> Option<Cursor> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (time, id) = bytes.split_first_chunk()?;
    let created_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from_be_bytes(*time)).ok()?;
    let id = ExecutionId::from_uuid(Uuid::from_bytes(id.try_into().ok()?));
    Some(Cursor { created_at, id })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coderun_domain::testing::{at, execution_id};
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_cursor_survives_its_encoding() {
        let cursor = Cursor {
            created_at: at(5) + Duration::from_nanos(123_456_789),
            id: execution_id(77),
        };
        assert_eq!(decode_cursor(&encode_cursor(cursor)), Some(cursor));
    }

    #[rstest]
    #[case("")]
    #[case("abc")]
    #[case("not base64!")]
    #[case("f____________________________________________")]
    #[case("f__________________________________________8")]
    fn another_text_is_not_a_cursor(#[case] text: &str) {
        assert_eq!(decode_cursor(text), None);
    }
}
