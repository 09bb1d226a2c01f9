//! `GET /api/v1/executions/ws/{id}`: live updates of one execution.
//!
//! A well-formed upgrade always succeeds, because a browser cannot read an HTTP error here: whoever is refused gets a
//! close frame with code and reason at once.

mod closing;
mod connection;
mod ending;
mod errand;
mod flow;
mod frame_guard;
mod greeting;
mod refusal;
mod session;
mod typing_queue;

use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::problem::Problem;
use crate::state::AppState;
use crate::telemetry;

use closing::Closing;
use connection::Connection;
use ending::OpenBody;
use flow::Flow;
use greeting::Greeting;

/// The only subprotocol.
const PROTOCOL: &str = "execution.v1";

/// Accepts an upgrade and hands the socket to a task of its own.
pub(crate) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let message_max = state.config.sockets.message_max.as_bytes();
    let mut guarded = frame_guard::guarded(payload.into_inner(), message_max);
    let payload = web::Payload::from_request(&request, &mut guarded);
    let payload = payload.await.map_err(|_| Problem::bug())?;
    let (response, socket, messages) =
        actix_ws::handle_with_protocols(&request, payload, &[PROTOCOL])
            .map_err(|error| no_upgrade(&error))?;
    let greeting = Greeting::of(&request, &state.config);
    let max = usize::try_from(message_max).unwrap_or(usize::MAX);
    let messages = messages
        .max_frame_size(max)
        .aggregate_continuations()
        .max_continuation_size(max);
    let (ending, ended) = oneshot::channel();
    let flow = Flow::default();
    let (bulk, send) = (state.bulk.clone(), state.config.sockets.send);
    let connection = Connection::new(socket, messages, flow.clone(), bulk, send);
    let tasks = state.socket_tasks.clone();
    tasks.spawn_local(attend(connection, greeting, state, ending).in_current_span());
    Ok(response.map_body(|_, body| BoxBody::new(OpenBody::new(body, flow, ended))))
}

fn no_upgrade(error: &actix_web::Error) -> Problem {
    // The error itself names no status, only its answer does.
    let status = error.error_response().status();
    let problem = Problem::new(status, format!("This is a WebSocket: {error}"));
    if status == StatusCode::UPGRADE_REQUIRED {
        return problem.with_header(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
    problem
}

/// Serves a socket until there is a reason to close it, closes it, and then lets its connection end.
async fn attend(
    mut connection: Connection,
    greeting: Greeting,
    state: web::Data<AppState>,
    ending: oneshot::Sender<()>,
) {
    let began = std::time::Instant::now();
    let id = greeting.id_text();
    let serving = AssertUnwindSafe(session::serve(&mut connection, greeting, &state));
    let closing = serving.catch_unwind().await.unwrap_or(Closing::INTERNAL);
    // A peer that has left closed it, or nobody did.
    let code = (closing != Closing::LEFT).then_some(closing.code);
    telemetry::socket_closed(code);
    if closing == Closing::SLOW {
        telemetry::slow_watcher();
    }
    tracing::info!(
        target: "coderun_http::access",
        execution_id = id,
        code,
        reason = closing.reason,
        duration_ms = began.elapsed().as_secs_f64() * 1_000.0,
        "socket closed"
    );
    // Boxed, like all that is rare, so that sockets that only wait do not hold room for it.
    Box::pin(connection.close(closing, state.config.sockets.close)).await;
    drop(ending);
}
