//! `GET /api/v1/executions/status/{id}`: the record, now or once something has changed.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_app::AccessError;
use coderun_domain::{Execution, ExecutionId, Sequence, UserId};

use super::{bulky_json, parse_id};
use crate::authentication::Authenticated;
use crate::problem::Problem;
use crate::query::{Query, whole_number};
use crate::state::AppState;
use crate::telemetry::SocketKind;
use crate::watching::WatcherPlace;
use crate::wire::{Audience, ExecutionRecord};

/// The longest that an answer may be waited for, in seconds.
const WAIT_MAX_SECONDS: u64 = 60;

/// Answers the record; with `wait` once the state has changed, which counts as a socket.
pub(crate) async fn status(
    caller: Authenticated,
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string());
    let (patience, since) = (parse_wait(&query)?, parse_since(&query)?);
    let (user, id) = (&caller.0.user, parse_id(&id)?);
    let execution = if patience.is_zero() {
        state.ports.executions.read(user, id).await?
    } else {
        let place = WatcherPlace::take(&state.sockets, user, SocketKind::LongPoll);
        let _place = place.map_err(Problem::from)?;
        wait(&state, user, id, since, patience).await?
    };
    let executions = &state.ports.executions;
    let position = executions.queue_position(&execution).await?;
    let policy = executions.store_policy();
    let record = ExecutionRecord::new(&execution, policy, Audience::Reader).waiting_at(position);
    bulky_json(&state, StatusCode::OK, &record, record.size_hint()).await
}

/// Waits for the next change. What waits when the server begins to go away is answered at once, so that it can come back
/// elsewhere; who comes later waits as asked, until the server ends: an answer at once would only be asked for again.
async fn wait(
    state: &AppState,
    user: &UserId,
    id: ExecutionId,
    since: Option<Sequence>,
    patience: Duration,
) -> Result<Execution, AccessError> {
    let executions = &state.ports.executions;
    let waiting = executions.wait(user, id, since, patience);
    let departure = &state.departure;
    let waited = if departure.has_begun() {
        departure.end().run_until_cancelled(waiting).await
    } else {
        departure.unless_begun(waiting).await
    };
    match waited {
        Some(waited) => waited,
        None => executions.read(user, id).await,
    }
}

fn parse_wait(query: &Query) -> Result<Duration, Problem> {
    let bad = || {
        let detail = format!("must be a whole number of seconds from 0 to {WAIT_MAX_SECONDS}");
        Problem::bad_parameter("wait", detail)
    };
    let Some(text) = query.get("wait").map_err(|_| bad())? else {
        return Ok(Duration::ZERO);
    };
    match whole_number(text) {
        Some(seconds @ 0..=WAIT_MAX_SECONDS) => Ok(Duration::from_secs(seconds)),
        Some(_) | None => Err(bad()),
    }
}

/// The number of the last event that the client has seen.
pub(crate) fn parse_since(query: &Query) -> Result<Option<Sequence>, Problem> {
    let bad = || Problem::bad_parameter("since", "must be one whole number from 0 up");
    let text = query.get("since").map_err(|_| bad())?;
    let number = text.map(|text| whole_number(text).ok_or_else(bad));
    Ok(number.transpose()?.map(Sequence::from_number))
}
