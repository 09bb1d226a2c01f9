//! Serves live updates of one execution at `GET /api/v1/executions/ws/{id}`.
//!
//! A well-formed upgrade always succeeds, because a browser cannot read an HTTP error here. A refused client gets a close
//! frame with code and reason at once.

mod close_frame;
mod commands;
mod connection;
mod failures;
mod input_queue;
mod message_reader;
mod session;
mod upgrade_request;

use std::panic::AssertUnwindSafe;

use actix_http::ws::{HandshakeError, handshake};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use crate::handover::Handover;
use crate::metrics;
use crate::problem::Problem;
use crate::state::AppState;

use close_frame::CloseFrame;
use connection::Connection;
use upgrade_request::UpgradeRequest;

/// The only subprotocol.
const PROTOCOL: &str = "execution.v1";

/// Accepts an upgrade, and serves the socket as soon as the response is sent.
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
    let handover = Handover::new(move |stream, received| {
        let connection = Connection::new(stream, received, state.clone());
        let serving = run(connection, upgrade, state).instrument(span);
        serving.map(|()| drop(tracked))
    });
    response.extensions_mut().insert(handover);
    Ok(response)
}

fn no_upgrade(error: HandshakeError) -> Problem {
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
