//! Serves the events of one execution as server-sent events at `GET /api/v1/executions/events/{id}`.

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use coderun_domain::Sequence;
use futures_util::{Stream, StreamExt as _, stream};

use crate::authentication::find_credentials;
use crate::endpoints::parse_id;
use crate::failure_log::log_failure;
use crate::headers::{Repeated, single};
use crate::large_answers::{Pieces, SlowReader};
use crate::metrics::SocketKind;
use crate::problem::{ErrorLocation, Problem};
use crate::query::{Query, SINCE_EXPECTED, whole_number};
use crate::socket_registry::WatcherPermit;
use crate::state::AppState;
use crate::watching::{Dialect, WatchMessage, WatchRequest, Watcher, admit};

const LAST_EVENT_ID: &str = "Last-Event-ID";

/// The first frame of every stream: when a client reconnects after its end.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");

/// Clients ignore a comment; it shows that the connection is alive.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Opens a stream of events; HEAD is answered with its headers alone. Answers 204, which stops an `EventSource`, if the
/// client has seen all of them.
pub(crate) async fn open(
    http_request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let id = parse_id(&id);
    let query = Query::parse(http_request.query_string());
    let credentials = find_credentials(&http_request, &query)?;
    let admission = admit(credentials, id.as_ref().ok().copied(), &state).await?;
    let id = id?;
    let request = WatchRequest {
        id,
        since: since(&http_request, &query)?,
        dialect: Dialect::Full,
        keep_alive: state.config.sockets.comment_interval,
    };
    let permit = state
        .sockets
        .admit_watcher(&admission.user, SocketKind::EventStream)?;
    let watcher = Watcher::open(&state, &admission, request).await?;
    if watcher.is_complete() {
        return Ok(HttpResponse::new(StatusCode::NO_CONTENT));
    }
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/event-stream")
        // Tells buffering proxies to pass on each piece at once.
        .insert_header(("x-accel-buffering", "no"));
    if http_request.method() == Method::HEAD {
        return Ok(answer.streaming(stream::empty::<Result<Bytes, SlowReader>>()));
    }
    let body = EventStreamBody {
        _permit: permit,
        state,
        watcher,
        has_ended: false,
    };
    Ok(answer.streaming(body.frames()))
}

/// The number of the last event that the client has seen. Both must be valid. The header wins, because an `EventSource` updates
/// it and leaves the URL as it was.
fn since(request: &HttpRequest, query: &Query) -> Result<Option<Sequence>, Problem> {
    let bad = || Problem::invalid(ErrorLocation::Header(LAST_EVENT_ID), SINCE_EXPECTED);
    let in_query = query.since()?;
    match single(request.headers(), LAST_EVENT_ID).map_err(|Repeated| bad())? {
        None => Ok(in_query),
        Some(value) => {
            let number = value.to_str().ok().and_then(whole_number);
            Ok(Some(Sequence::from_number(number.ok_or_else(bad)?)))
        }
    }
}

/// The body of one stream. A message is read only after the one before it was sent.
struct EventStreamBody {
    _permit: WatcherPermit,
    state: web::Data<AppState>,
    watcher: Watcher,
    has_ended: bool,
}

impl EventStreamBody {
    /// The frames. The stream ends after the final event, when the admission expires, when the server ends, and after a
    /// failure. A client that reconnects then learns the reason.
    fn frames(self) -> impl Stream<Item = Result<Bytes, SlowReader>> {
        let messages = stream::unfold(self, |mut body| async move {
            let frame = body.next().await?;
            Some((frame, body))
        });
        let frames = stream::iter([RETRY]).chain(messages);
        frames.flat_map(|frame| stream::iter(Pieces::from(frame)))
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.has_ended {
            return None;
        }
        let next = self.watcher.next();
        let message = self.state.drain.end.run_until_cancelled(next).await;
        let Some(message) = message else {
            self.has_ended = true;
            return self.watcher.take_going_away().map(|message| message.frame);
        };
        match message {
            WatchMessage::Message(message) => Some(message.frame),
            WatchMessage::KeepAlive => Some(COMMENT),
            WatchMessage::Finished | WatchMessage::Expired => None,
            WatchMessage::Failed(error) => {
                log_failure(error.kind(), "an event stream", Some(&error), None);
                None
            }
        }
    }
}
