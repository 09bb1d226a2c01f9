//! Lists the executions of a user, without their texts.

use coderun_domain::{ExecutionId, Language, Page, Status, Summary, UserId, Verdict};
use coderun_record::{RecordError, from_micros, micros};
use serde::Deserialize;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::owner;
use crate::reply::UnexpectedReply;
use crate::step::Step;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ListAnswer {
    Rows(Vec<Row>),
}

/// What the script answers for one execution. Times are in microseconds.
#[derive(Deserialize)]
struct Row {
    id: String,
    language: String,
    status: RowStatus,
    /// Empty while the execution is live.
    verdict: String,
    created: i64,
    updated: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RowStatus {
    Pending,
    Running,
    Final,
}

impl RedisBackend {
    pub(crate) async fn list_step(
        &self,
        user: &UserId,
        page: Page,
    ) -> Result<Vec<Summary>, AdapterError> {
        let before = page.before.map(|cursor| {
            let created = micros(cursor.created_at);
            (created, cursor.id.to_string())
        });
        let (created, id) = before.unzip();
        let step = Step::new(&("list", (), owner(user), page.limit, created, id))?;
        let partition = self.shared.layout.of_user(user);
        let reply = self.run_rare_in(partition, step).await?;
        let ListAnswer::Rows(rows) = reply.decode()?;
        rows.into_iter().map(Row::into_summary).collect()
    }
}

impl Row {
    fn into_summary(self) -> Result<Summary, AdapterError> {
        let id: ExecutionId = self.id.parse().map_err(|_| UnexpectedReply)?;
        self.decode(id)
            .map_err(|error| AdapterError::of_record(id, error))
    }

    fn decode(self, id: ExecutionId) -> Result<Summary, RecordError> {
        let updated_at = from_micros("updated", self.updated)?;
        let verdict = Verdict::from_name(&self.verdict);
        let status = match (self.status, verdict) {
            (RowStatus::Pending, _) => Status::Pending,
            (RowStatus::Running, _) => Status::Running,
            (RowStatus::Final, Some(verdict)) => Status::from(verdict),
            (RowStatus::Final, None) => return Err(RecordError::Missing("verdict")),
        };
        Ok(Summary {
            id,
            language: Language::parse(&self.language)?,
            status,
            verdict,
            created_at: from_micros("created", self.created)?,
            updated_at,
            completed_at: verdict.map(|_| updated_at),
        })
    }
}
