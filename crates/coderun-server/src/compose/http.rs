//! Builds the HTTP server: the API, or the health of a worker alone.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use coderun_app::{Executions, Readiness, Shutdown};
use coderun_domain::{Clock, TokenVerifier};
use coderun_http::{
    AllowedHosts, AllowedOrigins, Drain, HttpConfig, HttpPorts, SocketLimits, Timeouts,
};
use tokio_util::sync::CancellationToken;

use super::{ConnectionLimits, Ports, page};
use crate::settings::{Settings, TokenIssuer};
use crate::system::open_files_limit;

/// A server that is not started yet.
#[derive(Debug)]
pub(crate) enum HttpServer {
    Api(HttpConfig, HttpPorts),
    Health(HttpConfig, Arc<Readiness>, Arc<dyn Clock>),
}

/// A server at work, to be polled until it has ended.
pub(crate) type Serving = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

impl HttpServer {
    /// A server of the whole API.
    pub(super) fn api(
        ports: &Ports,
        verifier: &Arc<dyn TokenVerifier>,
        executions: Executions,
        readiness: Readiness,
        settings: &Settings,
    ) -> Self {
        let http_ports = HttpPorts {
            executions: Arc::new(executions),
            verifier: Arc::clone(verifier),
            readiness: Arc::new(readiness),
            clock: Arc::clone(&ports.clock),
            sign_in: ports.sign_in.clone(),
        };
        Self::Api(api_config(settings), http_ports)
    }

    /// A server that knows no users and answers health checks.
    pub(super) fn health(ports: &Ports, readiness: Readiness) -> Self {
        let config = HttpConfig {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workers: 1,
            ..HttpConfig::default()
        };
        Self::Health(config, Arc::new(readiness), Arc::clone(&ports.clock))
    }

    /// Serves until `end`; watchers learn of the drain when it begins.
    pub(crate) fn start(
        self,
        listener: TcpListener,
        shutdown: &Shutdown,
        end: CancellationToken,
    ) -> io::Result<Serving> {
        Ok(match self {
            Self::Api(config, ports) => {
                let going_away = shutdown.drain.clone();
                let drain = Drain { going_away, end };
                Box::pin(coderun_http::serve(listener, config, ports, drain)?)
            }
            Self::Health(config, readiness, clock) => Box::pin(coderun_http::serve_health(
                listener, config, readiness, clock, end,
            )?),
        })
    }
}

fn api_config(settings: &Settings) -> HttpConfig {
    let limits = &settings.limits;
    let connections = ConnectionLimits::new(settings, open_files_limit());
    let default = HttpConfig::default();
    HttpConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        body_max: limits.body_max,
        origins: match &settings.cors_origins {
            Some(origins) => AllowedOrigins::List(origins.list().to_vec()),
            None => default_origins(settings),
        },
        // A page of another site whose name resolves to this machine must not use tokens that others can create.
        hosts: if settings.users.are_local_only() {
            AllowedHosts::LoopbackOnly
        } else {
            AllowedHosts::Any
        },
        sockets: SocketLimits {
            total_max: connections.sockets,
            per_user_max: limits.user_sockets_max,
            expiry_grace: settings.users.clock_skew(),
            watcher_interval: limits.watcher_interval(),
            ..SocketLimits::default()
        },
        timeouts: Timeouts {
            going_away: drain_time(settings),
            ..Timeouts::default()
        },
        connections_max: connections.total.div_ceil(default.workers),
        page: page::files(),
        ..default
    }
}

/// The longest drain: what runs here may finish; without a worker nothing does.
const fn drain_time(settings: &Settings) -> Duration {
    if settings.role.runs_code() {
        settings.drain_seconds
    } else {
        Duration::ZERO
    }
}

/// Pages under development come from any loopback port; those of real users must be named.
const fn default_origins(settings: &Settings) -> AllowedOrigins {
    match settings.users.token_issuer() {
        TokenIssuer::Firebase(_) => AllowedOrigins::List(Vec::new()),
        TokenIssuer::Emulator(..) | TokenIssuer::Development => AllowedOrigins::AnyLoopback,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::testing::settings_with;

    fn config_with(variables: &[(&'static str, &'static str)]) -> HttpConfig {
        api_config(&settings_with(variables))
    }

    #[test]
    fn sockets_allow_for_the_clocks_that_the_verifier_allows_for() {
        let skew = [
            ("FIREBASE_PROJECT_ID", "demo-p"),
            ("FIREBASE_CLOCK_SKEW_SECONDS", "7"),
        ];
        let grace = config_with(&skew).sockets.expiry_grace;
        assert_eq!(grace, Duration::from_secs(7));
    }

    #[test]
    fn watchers_get_the_drain_time_of_the_role() {
        let all = config_with(&[("DRAIN_SECONDS", "3")]);
        assert_eq!(all.timeouts.going_away, Duration::from_secs(3));
        let api = config_with(&[("ROLE", "api"), ("REDIS_URL", "redis://localhost")]);
        assert_eq!(api.timeouts.going_away, Duration::ZERO);
    }
}
