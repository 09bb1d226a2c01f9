//! Lists the executions of a user, without their texts.

use coderun_domain::{ExecutionId, Language, Page, Status, Summary, UserId, Verdict};
use coderun_record::{RecordError, from_micros, micros};
use serde::Deserialize;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::layout::owner;
use crate::reply::UnexpectedReply;
use crate::step::{Script, Step};

/// The reply to `list`.
#[derive(Deserialize)]
struct ListReply {
    rows: Vec<Row>,
}

/// What the script answers for one execution. Times are in microseconds.
#[derive(Deserialize)]
struct Row {
    id: String,
    language: String,
    /// `pending`, `running`, or the verdict.
    state: String,
    created: i64,
    updated: i64,
}

/// The executions of a user on a page.
pub(crate) async fn list(
    client: &Client,
    user: &UserId,
    page: Page,
) -> Result<Vec<Summary>, AdapterError> {
    let before = page.before.map(|cursor| {
        let created = micros(cursor.created_at);
        (created, cursor.id.to_string())
    });
    let (created, id) = before.unzip();
    let step = Step::new(&("list", (), owner(user), page.limit, created, id))?;
    let partition = client.layout.of_user(user);
    let reply: ListReply = client.run_in(partition, Script::Rare, step).await?;
    reply.rows.iter().map(summary).collect()
}

fn summary(row: &Row) -> Result<Summary, AdapterError> {
    let id = row.id.parse().map_err(|_| UnexpectedReply)?;
    decode(id, row).map_err(|error| AdapterError::of_record(id, error))
}

fn decode(id: ExecutionId, row: &Row) -> Result<Summary, RecordError> {
    let verdict = Verdict::from_name(&row.state);
    let status = verdict
        .map(Status::from)
        .or_else(|| Status::from_name(&row.state));
    let updated_at = from_micros("updated", row.updated)?;
    Ok(Summary {
        id,
        language: Language::parse(&row.language)?,
        status: status.ok_or(RecordError::Missing("verdict"))?,
        verdict,
        created_at: from_micros("created", row.created)?,
        updated_at,
        completed_at: verdict.map(|_| updated_at),
    })
}
