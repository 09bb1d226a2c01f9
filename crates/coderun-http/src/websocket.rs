//! Serves live updates of one execution at `GET /api/v1/executions/ws/{id}`.
//!
//! A well-formed upgrade always succeeds, because a browser cannot read an HTTP error here. A refused client gets a close
//! frame with code and reason at once.

mod close_frame;
mod connection;
mod failures;
mod frame_guard;
mod held_open_body;
mod input_queue;
mod pending_command;
mod send_window;
mod session;
mod upgrade_request;

use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::metrics;
use crate::problem::Problem;
use crate::state::AppState;

use close_frame::CloseFrame;
use connection::Connection;
use held_open_body::HeldOpenBody;
use send_window::SendWindow;
use upgrade_request::UpgradeRequest;

/// The only subprotocol.
const PROTOCOL: &str = "execution.v1";

/// Accepts an upgrade and serves the socket in its own task.
pub(crate) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let message_max = state.config.sockets.message_max.as_bytes();
    let mut guarded = frame_guard::guard(payload.into_inner(), message_max);
    let payload = web::Payload::from_request(&request, &mut guarded);
    let payload = payload.await.map_err(|_| Problem::bug())?;
    let (response, socket, messages) =
        actix_ws::handle_with_protocols(&request, payload, &[PROTOCOL])
            .map_err(|error| no_upgrade(&error))?;
    let upgrade = UpgradeRequest::of(&request, &state.config);
    let max = usize::try_from(message_max).unwrap_or(usize::MAX);
    let messages = messages
        .max_frame_size(max)
        .aggregate_continuations()
        .max_continuation_size(max);
    let (close, closed) = oneshot::channel();
    let window = SendWindow::default();
    let connection = Connection {
        socket,
        messages,
        window: window.clone(),
        budget: state.answer_budget.clone(),
        send_timeout: state.config.sockets.send,
    };
    let tasks = state.socket_tasks.clone();
    tasks.spawn_local(run(connection, upgrade, state, close).in_current_span());
    Ok(response.map_body(|_, body| {
        BoxBody::new(HeldOpenBody {
            body,
            window,
            closed,
        })
    }))
}

fn no_upgrade(error: &actix_web::Error) -> Problem {
    // The status is only in the response of the error, not in the error itself.
    let status = error.error_response().status();
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

/// Serves a socket until it must be closed, closes it, and then lets its connection end.
async fn run(
    mut connection: Connection,
    upgrade: UpgradeRequest,
    state: web::Data<AppState>,
    close: oneshot::Sender<()>,
) {
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
    Box::pin(connection.close(frame, state.config.sockets.close)).await;
    drop(close);
}
