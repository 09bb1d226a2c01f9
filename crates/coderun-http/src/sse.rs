//! `GET /api/v1/executions/events/{id}`: the story of one execution as server-sent events (HTML standard, section 9.2).
//!
//! The framing is written here, a dozen lines: JSON has no line ends, so each message is one `data` line, and it is written
//! straight into the frame instead of being copied and searched for line ends.

mod frame;
mod story;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::Sequence;

use crate::authentication::find_credentials;
use crate::endpoints::{parse_id, parse_since};
use crate::problem::Problem;
use crate::query::{Query, whole_number};
use crate::state::AppState;
use crate::telemetry::SocketKind;
use crate::watching::{Dialect, FeedSettings, WatcherPlace, admit, subscribe};

use story::Story;

const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Tells proxies that collect answers to pass on each piece at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Opens a stream of events; 204, which makes browsers stop asking, where all of them were seen.
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
    let place = WatcherPlace::take(&state.sockets, &admission.user, kind)?;
    let subscription = subscribe(&state, &admission.user, id, since).await?;
    if subscription.is_over(since) {
        return Ok(HttpResponse::new(StatusCode::NO_CONTENT));
    }
    let settings = FeedSettings {
        dialect: Dialect::Full,
        admission,
        keep_alive: state.config.sockets.comment_interval,
    };
    let story = Story::new(state, id, subscription, &settings, place);
    let mut response = HttpResponse::Ok().streaming(story.told());
    complete(response.headers_mut());
    Ok(response)
}

fn complete(headers: &mut HeaderMap) {
    let media_type = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
}

/// The number of the last event that the client has seen. The header wins, for it is the one that moves on.
fn since(request: &HttpRequest) -> Result<Option<Sequence>, Problem> {
    let bad = || Problem::bad_header(LAST_EVENT_ID, "must be one whole number from 0 up");
    let mut values = request.headers().get_all(LAST_EVENT_ID);
    match (values.next(), values.next()) {
        (None, _) => parse_since(&Query::parse(request.query_string())),
        (Some(value), None) => {
            let number = value.to_str().ok().and_then(whole_number);
            Ok(Some(Sequence::from_number(number.ok_or_else(bad)?)))
        }
        (Some(_), Some(_)) => Err(bad()),
    }
}
