//! Answers the record of an execution at `GET /api/v1/executions/status/{id}`, at once or after the next change.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::{Execution, ExecutionId, Sequence, UserId};

use super::{parse_id, record};
use crate::authentication::Authenticated;
use crate::metrics::SocketKind;
use crate::problem::Problem;
use crate::query::{Query, whole_number};
use crate::state::AppState;
use crate::watching::{Dialect, FeedReader};

/// The longest `wait`, in seconds.
const WAIT_MAX_SECONDS: u64 = 60;
const WAIT_EXPECTED: &str = "must be a whole number of seconds from 0 to 60, given once";

/// Answers the record. A request with `wait` is answered once the state has changed, and counts as a socket meanwhile.
pub(crate) async fn status(
    caller: Authenticated,
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string());
    let wait = query.parsed("wait", WAIT_EXPECTED, |text| {
        whole_number(text).filter(|seconds| *seconds <= WAIT_MAX_SECONDS)
    })?;
    let timeout = Duration::from_secs(wait.unwrap_or_default());
    let since = query.since()?;
    let (user, id) = (&caller.0.user, parse_id(&id)?);
    let execution = if timeout.is_zero() {
        state.ports.executions.read(user, id).await?
    } else {
        let _permit = state.sockets.admit_watcher(user, SocketKind::LongPoll)?;
        wait_for_change(&state, user, id, since, timeout).await?
    };
    if execution.submission().is_interactive() && !execution.status().is_final() {
        state.ports.executions.note_watcher(id).await;
    }
    let position = state.ports.executions.queue_position(&execution).await?;
    record(&state, StatusCode::OK, execution, position).await
}

/// Waits for the next change, unless the execution is final, has changed after `since` or has no event `since` yet. Output
/// alone is no change.
///
/// A request that waits when the server begins to go away is answered at once, so that its client can reconnect elsewhere. A
/// later one waits until the server ends, because its client would only ask again.
async fn wait_for_change(
    state: &web::Data<AppState>,
    user: &UserId,
    id: ExecutionId,
    since: Option<Sequence>,
    timeout: Duration,
) -> Result<Execution, Problem> {
    let executions = &state.ports.executions;
    let execution = executions.read(user, id).await?;
    let last = execution.sequence();
    if execution.status().is_final() || since.is_some_and(|since| since > last) {
        return Ok(execution);
    }
    let mut reader = FeedReader::open(state, &execution, since.or(Some(last)), Dialect::Core);
    let waiting = tokio::time::timeout(timeout, reader.next(state));
    let drain = &state.drain;
    let waited = if drain.has_begun() {
        drain.end.run_until_cancelled(waiting).await
    } else {
        drain.run_until_begun(waiting).await
    };
    // After a timeout, too, the answer is the present state.
    if let Some(Ok(Err(error))) = waited {
        return Err(Problem::of_kind(error.kind()).with_source(error));
    }
    Ok(executions.read(user, id).await?)
}
