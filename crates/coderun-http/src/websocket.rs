//! Serves live updates of one execution at `GET /api/v1/executions/ws/{id}`.
//!
//! A well-formed upgrade always succeeds, because a browser cannot read an HTTP error here. A refused client gets a close
//! frame with code and reason at once.

mod close_frame;
mod commands;
mod connection;
mod input_queue;
mod input_text;
mod message_reader;
mod session;

use std::panic::AssertUnwindSafe;

use actix_http::ws::{HandshakeError, handshake};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::{ExecutionId, Sequence};
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use crate::HttpConfig;
use crate::authentication::{Credentials, TokenError, find_credentials};
use crate::handover::Handover;
use crate::headers::text;
use crate::metrics;
use crate::problem::Problem;
use crate::query::Query;
use crate::state::AppState;
use crate::watching::Dialect;

use close_frame::CloseFrame;
use connection::Connection;

/// The only subprotocol.
const PROTOCOL: &str = "execution.v1";

/// Accepts an upgrade and serves the socket.
pub(crate) async fn open(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let mut response = handshake(request.head()).map_err(no_upgrade)?;
    let upgrade = UpgradeRequest::of(&request, &state.config);
    if upgrade.offers_protocol {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL));
    }
    let response = response.message_body(BoxBody::new(()));
    let mut response = HttpResponse::from(response.map_err(|_| Problem::bug())?);
    let span = Span::current();
    let tracked = state.socket_tasks.token();
    let handover = Handover::new(move |upgraded| {
        let connection = Connection::new(upgraded, state.clone());
        let serving = run(connection, upgrade, state).instrument(span);
        serving.map(|()| drop(tracked))
    });
    response.extensions_mut().insert(handover);
    Ok(response)
}

fn no_upgrade(error: HandshakeError) -> Problem {
    // Only HEAD comes here beside GET, and is answered as GET.
    let error = if matches!(error, HandshakeError::GetMethodRequired) {
        HandshakeError::NoWebsocketUpgrade
    } else {
        error
    };
    let status = actix_http::Response::from(error).status();
    let problem = Problem::new(
        status,
        format!("This route needs a WebSocket upgrade: {error}"),
    );
    if status == StatusCode::UPGRADE_REQUIRED {
        return problem.with_header(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
    problem
}

/// The parsed parts of an upgrade request. Each invalid part is the close frame to answer it with.
struct UpgradeRequest {
    origin: Result<(), CloseFrame>,
    credentials: Result<Credentials, TokenError>,
    id: Result<ExecutionId, CloseFrame>,
    since: Result<Option<Sequence>, CloseFrame>,
    dialect: Dialect,
    /// Whether the client offers the subprotocol.
    offers_protocol: bool,
}

impl UpgradeRequest {
    fn of(request: &HttpRequest, config: &HttpConfig) -> Self {
        let query = Query::parse(request.query_string());
        let since = query.since().map_err(|_| CloseFrame::INVALID_SINCE);
        let resumes = !matches!(since, Ok(None));
        let offers_protocol = offers_protocol(request);
        let dialect = if resumes || offers_protocol {
            Dialect::Full
        } else {
            Dialect::Core
        };
        let id = request.match_info().get("id").unwrap_or_default();
        Self {
            origin: check_origin(request, config),
            credentials: find_credentials(request, &query),
            id: id.parse().map_err(|_| CloseFrame::NOT_FOUND),
            since,
            dialect,
            offers_protocol,
        }
    }

    /// The id for the log, or `-`: a malformed id is not logged.
    fn id_text(&self) -> String {
        self.id.map_or_else(|_| "-".to_owned(), |id| id.to_string())
    }
}

fn check_origin(request: &HttpRequest, config: &HttpConfig) -> Result<(), CloseFrame> {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    let mut origins = headers.get_all(header::ORIGIN);
    let allowed = origins.all(|origin| {
        let origin = origin.to_str().ok();
        origin.is_some_and(|origin| config.origins.allows(origin, host))
    });
    if allowed {
        Ok(())
    } else {
        Err(CloseFrame::ORIGIN_NOT_ALLOWED)
    }
}

fn offers_protocol(request: &HttpRequest) -> bool {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    offers
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','))
        .any(|protocol| protocol.trim() == PROTOCOL)
}

/// Serves a socket until it must be closed, and closes it.
async fn run(mut connection: Connection, upgrade: UpgradeRequest, state: web::Data<AppState>) {
    let began = std::time::Instant::now();
    let id = upgrade.id_text();
    let serving = AssertUnwindSafe(session::serve(&mut connection, upgrade, &state));
    let frame = serving.catch_unwind().await.unwrap_or(CloseFrame::INTERNAL);
    // A socket that the peer has closed or left has no close code of ours.
    let code = (frame != CloseFrame::PEER_LEFT).then_some(frame.code);
    metrics::record_closed_socket(code);
    if frame == CloseFrame::SLOW_WATCHER {
        metrics::record_slow_watcher();
    }
    tracing::info!(
        target: "coderun_http::access",
        execution_id = id,
        code,
        reason = frame.reason,
        duration_ms = began.elapsed().as_secs_f64() * 1_000.0,
        "socket closed"
    );
    // Boxed, so that idle sockets reserve no memory for it.
    Box::pin(connection.close(frame)).await;
}
