//! Answers the record of an execution at `GET /api/v1/executions/status/{id}`, at once or after the next change.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_app::AccessError;
use coderun_domain::{Execution, ExecutionId, Sequence, UserId};

use super::{parse_id, record};
use crate::authentication::Authenticated;
use crate::metrics::SocketKind;
use crate::problem::Problem;
use crate::query::{Query, whole_number};
use crate::state::AppState;

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
    let position = state.ports.executions.queue_position(&execution).await?;
    record(&state, StatusCode::OK, &execution, position).await
}

/// Waits for the next change. A request that waits when the server begins to go away is answered at once, so that its client
/// can reconnect elsewhere. A later one waits until the server ends, because its client would only ask again.
async fn wait_for_change(
    state: &AppState,
    user: &UserId,
    id: ExecutionId,
    since: Option<Sequence>,
    timeout: Duration,
) -> Result<Execution, AccessError> {
    let executions = &state.ports.executions;
    let waiting = executions.wait(user, id, since, timeout);
    let drain = &state.drain;
    let waited = if drain.has_begun() {
        drain.end.run_until_cancelled(waiting).await
    } else {
        drain.run_until_begun(waiting).await
    };
    match waited {
        Some(waited) => waited,
        None => executions.read(user, id).await,
    }
}
