//! Runs the HTTP server on a listener until it is told to drain.

use std::future::{Future, ready};
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Protocol};
use actix_server::Server;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use coderun_app::Readiness;
use coderun_domain::Clock;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::client_stream::ClientStream;
use crate::connections::Connections;
use crate::metrics::RequestMeter;
use crate::state::{AppState, HealthState};
use crate::{Drain, HttpConfig, HttpPorts, edge, handover, routes};

/// Starts to answer on `listener`, on its own threads, from within a tokio runtime.
///
/// When `drain.going_away` is cancelled, watchers are told so and everything else goes on. When `drain.end` is cancelled,
/// sockets are closed with 1012, new ones are refused and event streams end; then no more connections are accepted and running
/// requests are answered. The future ends after that. Sockets and requests each take at most
/// [`Timeouts::drain`](crate::Timeouts::drain). Signals are not handled here.
///
/// Requests that the HTTP parser refuses are answered with an empty body: 431 for a head of more than 128 KiB or 96 headers,
/// 400 for a path and query of more than 64 KiB or a malformed request, 408 for a head that arrives too slowly.
///
/// # Errors
/// At once if the listener cannot be used, later if the server's threads have died.
pub fn serve(
    listener: TcpListener,
    config: HttpConfig,
    mut ports: HttpPorts,
    drain: Drain,
) -> io::Result<impl Future<Output = io::Result<()>> + Send> {
    let address = listener.local_addr()?;
    ports.sign_in = ports.sign_in.filter(|sign_in| sign_in.works_on(address));
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
    let end = state.drain.end.clone();
    Ok(run(server, end, close_sockets(state)))
}

/// Starts to answer the health routes on `listener`, and no others: `/health`, `/health/` and `/health/ready`.
///
/// The future ends like that of [`serve`].
///
/// # Errors
/// Like [`serve`].
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
    Ok(run(server, draining, async {}))
}

fn build(
    listener: TcpListener,
    health: &web::Data<HealthState>,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    set_options(&listener, &health.config)?;
    let shared = health.clone();
    let app = move || {
        let health = shared.clone();
        let meter = Rc::new(RequestMeter::default());
        let around = from_fn(move |request, next| {
            let (health, meter) = (health.clone(), Rc::clone(&meter));
            async move { edge::around(&health.config, &meter, request, next).await }
        });
        let app = App::new()
            .app_data(shared.clone())
            .configure(configure.clone())
            .wrap(around);
        map_config(app, |()| AppConfig::default())
    };
    let config = &health.config;
    let server = Server::build()
        .workers(config.workers.max(1))
        .max_concurrent_connections(config.connections_max)
        .shutdown_timeout(config.timeouts.drain.as_secs().max(1))
        .disable_signals();
    let (config, stopping) = (config.clone(), server.graceful_shutdown_signal());
    // This is `actix_web::HttpServer`, which cannot hand over connections.
    let http = move || {
        let (stopping, connections) = (stopping.clone(), Connections::new(&config));
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            // The stream bounds the time for every head.
            .client_request_timeout(Duration::ZERO)
            .keep_alive(KeepAlive::Os)
            .on_connect_ext(|stream: &ClientStream, data| {
                data.insert(stream.state());
            })
            // actix would keep the connection of every closed client for this long. The edge lingers where it must.
            .client_disconnect_timeout(Duration::ZERO)
            // A client that closes its side has left, so its permits are given back.
            .h1_allow_half_closed(false)
            .upgrade(handover::serve_upgrades(app()))
            .finish(app());
        // `tcp()` would ask for the address of each peer, which only one route needs.
        fn_service(move |stream: TcpStream| {
            let stream = ClientStream::new(stream, connections.open());
            ready(Ok((stream, Protocol::Http1, None)))
        })
        .and_then(http)
    };
    Ok(server.listen("http", listener, http)?.run())
}

/// Runs the server until `end` is cancelled, waits for `before_stop`, and stops the server gracefully.
async fn run(
    server: Server,
    end: CancellationToken,
    before_stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let handle = server.handle();
    let mut server = std::pin::pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = end.cancelled() => {}
    }
    before_stop.await;
    let (ended, ()) = tokio::join!(server, handle.stop(true));
    ended
}

async fn close_sockets(state: web::Data<AppState>) {
    state.socket_tasks.close();
    let closed = state.socket_tasks.wait();
    let timeout = state.config.timeouts.drain;
    if tokio::time::timeout(timeout, closed).await.is_err() {
        let open = state.socket_tasks.len();
        tracing::warn!(open, "sockets did not close in time");
    }
}

/// The bytes that the kernel keeps for each connection until its peer takes them. It doubles the number, for its own data.
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// The connections that may wait to be accepted, as far as the system allows. With the 128 of the standard library, a flood makes
/// the kernel drop those of others, which then wait a second or more.
const BACKLOG: i32 = 4_096;

/// Sets options that accepted connections inherit: what is written is sent at once, the kernel keeps a bounded part of what a
/// peer does not read, and cuts connections whose peer reads nothing. Otherwise a client that never reads would keep
/// its connection and the data written to it without end.
fn set_options(listener: &TcpListener, config: &HttpConfig) -> io::Result<()> {
    let listener = socket2::SockRef::from(listener);
    listener.set_tcp_nodelay(true)?;
    listener.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    listener.listen(BACKLOG)?;
    #[cfg(target_os = "linux")]
    listener.set_tcp_user_timeout(Some(config.timeouts.unread))?;
    #[cfg(not(target_os = "linux"))]
    let _ = config;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn more_connections_than_the_default_may_wait_to_be_accepted() {
        let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let allowed: usize = allowed.trim().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        set_options(&listener, &HttpConfig::default()).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |_| net::TcpStream::connect_timeout(&address, Duration::from_secs(5));
        let waiting: Result<Vec<_>, _> = (0..allowed.min(256)).map(connect).collect();
        assert!(waiting.is_ok(), "{waiting:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn accepted_connections_inherit_the_options() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = HttpConfig::default();
        set_options(&listener, &config).unwrap();
        let _peer = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(accepted.nodelay().unwrap());
        let timeout = socket2::SockRef::from(&accepted).tcp_user_timeout();
        assert_eq!(timeout.unwrap(), Some(config.timeouts.unread));
    }
}
