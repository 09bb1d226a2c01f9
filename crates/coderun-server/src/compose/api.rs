//! What users talk to.

use std::sync::Arc;
use std::time::Duration;

use coderun_app::{Executions, ExecutionsPorts, Fleet, Runners, Shutdown};
use coderun_domain::TokenVerifier;
use coderun_http::{AllowedHosts, AllowedOrigins, HttpConfig, HttpPorts, SocketLimits, Timeouts};

use super::{BasePorts, readiness, users};
use crate::settings::{Issuers, Settings};

/// The ports of the role that users talk to.
#[derive(Debug, Clone)]
pub(crate) struct ApiPorts {
    pub(crate) base: BasePorts,
    pub(crate) verifier: Arc<dyn TokenVerifier>,
}

/// Makes the adapters behind them.
pub(crate) fn api_ports(settings: &Settings, base: BasePorts) -> anyhow::Result<ApiPorts> {
    let verifier = users::verifier(settings, &base.clock)?;
    Ok(ApiPorts { base, verifier })
}

/// The workers, none of which is known yet.
pub(crate) fn fleet(base: &BasePorts, settings: &Settings) -> anyhow::Result<Fleet> {
    let registry = Arc::clone(&base.storage.registry);
    let limits = settings.limits.submission_policy()?.limits;
    Ok(Fleet::new(registry, limits))
}

/// What the HTTP edge works with.
pub(crate) fn http_ports(
    ports: &ApiPorts,
    fleet: Arc<Fleet>,
    runners: Runners,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<HttpPorts> {
    let base = &ports.base;
    let executions_ports = ExecutionsPorts {
        store: Arc::clone(&base.storage.store),
        notifier: Arc::clone(&base.storage.notifier),
        inputs: Arc::clone(&base.storage.inputs),
        tickets: Arc::clone(&base.storage.tickets),
        clock: Arc::clone(&base.clock),
        ids: Arc::clone(&base.storage.ids),
        fleet,
    };
    let limits = &settings.limits;
    let executions = Executions::new(
        executions_ports,
        limits.submission_policy()?,
        limits.store_policy(),
    );
    let readiness = readiness(base, runners, Some(&ports.verifier), settings, shutdown);
    Ok(HttpPorts {
        executions: Arc::new(executions),
        verifier: Arc::clone(&ports.verifier),
        readiness: Arc::new(readiness),
        clock: Arc::clone(&base.clock),
    })
}

/// How the HTTP edge behaves.
pub(crate) fn http_config(settings: &Settings) -> HttpConfig {
    let limits = &settings.limits;
    HttpConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        body_max: limits.body_max.bytes(),
        origins: match &settings.cors_origins {
            Some(origins) => AllowedOrigins::List(origins.list().to_vec()),
            None => origins_by_default(settings),
        },
        // A page elsewhere whose name leads here must not get at tokens that anybody can make.
        hosts: if settings.users.are_for_this_machine_alone() {
            AllowedHosts::LoopbackOnly
        } else {
            AllowedHosts::Any
        },
        sockets: SocketLimits {
            total_max: limits.sockets_max,
            per_user_max: limits.user_sockets_max,
            expiry_grace: settings.users.clock_skew(),
            ..SocketLimits::default()
        },
        timeouts: Timeouts {
            going_away: going_away(settings),
            ..Timeouts::default()
        },
        ..HttpConfig::default()
    }
}

/// How long a process that is told to stop stays at most: what runs here may finish, and without a worker there is nothing to
/// wait for.
const fn going_away(settings: &Settings) -> Duration {
    if settings.role.runs_code() {
        settings.drain_seconds.duration()
    } else {
        Duration::ZERO
    }
}

/// Pages of developers come from any port of their machine; those of real users are named.
const fn origins_by_default(settings: &Settings) -> AllowedOrigins {
    match settings.users.issuers() {
        Issuers::Firebase(_) => AllowedOrigins::List(Vec::new()),
        Issuers::Emulator(..) | Issuers::Development => AllowedOrigins::AnyLoopback,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::settings;

    fn config_with(variables: &[(&'static str, &'static str)]) -> HttpConfig {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let read = settings::read(["coderun".into()], &variables);
        http_config(&read.unwrap().settings)
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
    fn watchers_are_told_how_long_the_process_stays() {
        let all = config_with(&[("DRAIN_SECONDS", "3")]);
        assert_eq!(all.timeouts.going_away, Duration::from_secs(3));
        let api = config_with(&[("ROLE", "api"), ("REDIS_URL", "redis://localhost")]);
        assert_eq!(api.timeouts.going_away, Duration::ZERO);
    }
}
