//! Answers on a listener until it is told to drain.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use coderun_app::Readiness;
use coderun_domain::Clock;
use tokio_util::sync::CancellationToken;

use crate::state::{AppState, HealthState};
use crate::telemetry::RequestMeter;
use crate::{Drain, HttpConfig, HttpPorts, edge, routes};

/// Starts to answer on `listener`, on threads of its own, from within a tokio runtime.
///
/// Once `drain.going_away` is cancelled, watchers are told so and everything else goes on. The future ends once the server
/// has: after `drain.end` is cancelled, sockets are closed with 1012 and new ones refused, streams of events end, then no
/// more connections are accepted and what is being answered is answered; sockets and requests each take at most
/// [`Timeouts::drain`](crate::Timeouts::drain). No signals are handled here.
///
/// What the HTTP parser itself refuses is answered with an empty body: a head beyond 128 KiB or with more than
/// 96 headers with 431, a path and query beyond 64 KiB or anything else that is no request with 400, a first head that
/// comes too slowly with 408.
///
/// # Errors
/// At once if the listener cannot be used; later if the threads that answer have died.
pub fn serve(
    listener: TcpListener,
    config: HttpConfig,
    ports: HttpPorts,
    drain: Drain,
) -> io::Result<impl Future<Output = io::Result<()>> + Send> {
    let health = web::Data::new(HealthState {
        config: config.clone(),
        readiness: Arc::clone(&ports.readiness),
        clock: Arc::clone(&ports.clock),
    });
    let state = web::Data::new(AppState::new(ports, config, drain));
    let shared = state.clone();
    let server = build(listener, &health, move |app| {
        app.app_data(shared.clone());
        routes::api(app);
    })?;
    let handle = server.handle();
    Ok(run(server, handle, state))
}

/// Answers on `listener` how this process is, and nothing else: `/health`, `/health/` and `/health/ready`.
///
/// The future ends as that of [`serve`] does.
///
/// # Errors
/// As [`serve`].
pub fn serve_health(
    listener: TcpListener,
    config: HttpConfig,
    readiness: Arc<Readiness>,
    clock: Arc<dyn Clock>,
    draining: CancellationToken,
) -> io::Result<impl Future<Output = io::Result<()>> + Send> {
    let health = web::Data::new(HealthState {
        config,
        readiness,
        clock,
    });
    let server = build(listener, &health, routes::health)?;
    let handle = server.handle();
    Ok(run_health(server, handle, draining))
}

fn build(
    listener: TcpListener,
    health: &web::Data<HealthState>,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    set_unread_timeout(&listener, &health.config)?;
    let shared = health.clone();
    let app = move || {
        let health = shared.clone();
        let meter = Rc::new(RequestMeter::default());
        let around = from_fn(move |request, next| {
            let (health, meter) = (health.clone(), Rc::clone(&meter));
            async move { edge::around(&health.config, &meter, request, next).await }
        });
        App::new()
            .app_data(shared.clone())
            .configure(configure.clone())
            .wrap(around)
    };
    let config = &health.config;
    let server = HttpServer::new(app)
        .workers(config.workers.max(1))
        .max_connections(config.connections_max)
        .client_request_timeout(config.timeouts.request_head)
        // actix would hold the connection of every closed socket for so long. The edge lingers where it must.
        .client_disconnect_timeout(Duration::ZERO)
        .keep_alive(config.timeouts.keep_alive)
        // Whoever closes their side has left: what they waited for gives its place back.
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .shutdown_timeout(config.timeouts.drain.as_secs().max(1))
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

async fn run(server: Server, handle: ServerHandle, state: web::Data<AppState>) -> io::Result<()> {
    let mut server = std::pin::pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = state.departure.end().cancelled() => {}
    }
    state.socket_tasks.close();
    let sockets_closed = state.socket_tasks.wait();
    if tokio::time::timeout(state.config.timeouts.drain, sockets_closed)
        .await
        .is_err()
    {
        let left = state.socket_tasks.len();
        tracing::warn!(left, "sockets did not close in time");
    }
    let (ended, ()) = tokio::join!(server, handle.stop(true));
    ended
}

async fn run_health(
    server: Server,
    handle: ServerHandle,
    draining: CancellationToken,
) -> io::Result<()> {
    let mut server = std::pin::pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = draining.cancelled() => {}
    }
    let (ended, ()) = tokio::join!(server, handle.stop(true));
    ended
}

/// Lets the kernel cut connections whose peer takes nothing any more; accepted sockets inherit it.
///
/// Without it a client that never reads would hold its connection, and all that was written for it, for ever.
fn set_unread_timeout(listener: &TcpListener, config: &HttpConfig) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(listener).set_tcp_user_timeout(Some(config.timeouts.unread))?;
    #[cfg(not(target_os = "linux"))]
    let _ = (listener, config);
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn accepted_connections_are_cut_if_their_peer_takes_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = HttpConfig::default();
        set_unread_timeout(&listener, &config).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let timeout = socket2::SockRef::from(&accepted).tcp_user_timeout();
        assert_eq!(timeout.unwrap(), Some(config.timeouts.unread));
    }
}
