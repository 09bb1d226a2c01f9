//! Serves the events of one execution as server-sent events at `GET /api/v1/executions/events/{id}`.
//!
//! The framing (HTML standard, section 9.2) is a dozen lines of our own: JSON has no line ends, so each message is one `data`
//! line that is serialized straight into the frame, without a copy and a search for line ends.

mod event_stream_body;
mod frame;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::Sequence;

use crate::authentication::find_credentials;
use crate::endpoints::parse_id;
use crate::headers::{Repeated, single};
use crate::metrics::SocketKind;
use crate::problem::{ErrorLocation, Problem};
use crate::query::{Query, SINCE_EXPECTED, whole_number};
use crate::state::AppState;
use crate::watching::{Dialect, Feed, admit, subscribe};

use event_stream_body::frames;

const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Opens a stream of events. Answers 204, which stops an `EventSource`, if the client has seen all of them.
pub(crate) async fn open(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let id = parse_id(&id);
    let credentials = find_credentials(&request)?;
    let admission = admit(credentials, id.as_ref().ok().copied(), &state).await?;
    let id = id?;
    let since = since(&request)?;
    let kind = SocketKind::EventStream;
    let permit = state.sockets.admit_watcher(&admission.user, kind)?;
    let subscription = subscribe(&state, &admission.user, id, since).await?;
    if subscription.is_complete(since) {
        return Ok(HttpResponse::new(StatusCode::NO_CONTENT));
    }
    let keep_alive = state.config.sockets.comment_interval;
    let since_is_ahead = subscription.since_is_ahead;
    let feed = Feed::new(
        state.clone(),
        subscription,
        Dialect::Full,
        &admission,
        keep_alive,
    );
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // Tells buffering proxies to pass on each piece at once.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(frames(state, feed, since_is_ahead, permit)))
}

/// The number of the last event that the client has seen. The header wins, because an `EventSource` updates it and leaves the
/// URL as it was.
fn since(request: &HttpRequest) -> Result<Option<Sequence>, Problem> {
    let bad = || Problem::invalid(ErrorLocation::Header(LAST_EVENT_ID), SINCE_EXPECTED);
    match single(request.headers(), LAST_EVENT_ID).map_err(|Repeated| bad())? {
        None => Query::parse(request.query_string()).since(),
        Some(value) => {
            let number = value.to_str().ok().and_then(whole_number);
            Ok(Some(Sequence::from_number(number.ok_or_else(bad)?)))
        }
    }
}
