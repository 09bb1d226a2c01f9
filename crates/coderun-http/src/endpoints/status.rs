//! Answers the record of an execution at `GET /api/v1/executions/status/{id}`, at once or after the next change.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::{Execution, Sequence};

use super::{RecordNotes, parse_id, record};
use crate::authentication::Authenticated;
use crate::metrics::SocketKind;
use crate::problem::Problem;
use crate::query::{Query, whole_number};
use crate::state::AppState;
use crate::watching::{Dialect, FeedError, FeedReader};

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
    let executions = &state.ports.executions;
    let execution = if timeout.is_zero() {
        executions.read(user, id).await?
    } else {
        let _permit = state.sockets.admit_watcher(user, SocketKind::LongPoll)?;
        let execution = executions.read(user, id).await?;
        let waiting = wait_for(&state, execution, WaitFor::Change(since), timeout);
        // Boxed, because most requests do not wait.
        Box::pin(waiting).await?
    };
    if execution.submission().is_interactive() && !execution.status().is_final() {
        executions.note_watcher(id).await;
    }
    let notes = RecordNotes {
        queue_position: executions.queue_position(&execution).await?,
        ..RecordNotes::default()
    };
    record(&state, StatusCode::OK, execution, notes).await
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// The next change of state after this event, or after the execution as it was read.
    Change(Option<Sequence>),
    /// The final state.
    End,
}

/// Waits for a change of state, and returns the execution as it is then. Returns at once if it is final, or has no event
/// `since` yet. Output alone is no change.
///
/// A request that waits when the server begins to go away is answered at once, so that its client can reconnect elsewhere. A
/// later one waits until the server ends, because its client would only ask again.
pub(super) async fn wait_for(
    state: &web::Data<AppState>,
    execution: Execution,
    what: WaitFor,
    timeout: Duration,
) -> Result<Execution, Problem> {
    let last = execution.sequence();
    let since = match what {
        WaitFor::Change(since) => since.unwrap_or(last),
        WaitFor::End => last,
    };
    if execution.status().is_final() || since > last {
        return Ok(execution);
    }
    let mut reader = FeedReader::open(state, &execution, Some(since), Dialect::Core);
    let reading = async {
        while let Some(message) = reader.next(state).await? {
            if what != WaitFor::End || message.is_last {
                break;
            }
        }
        Ok::<_, FeedError>(())
    };
    let waiting = tokio::time::timeout(timeout, reading);
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
    let executions = &state.ports.executions;
    Ok(executions
        .read(execution.submission().user(), execution.id())
        .await?)
}
