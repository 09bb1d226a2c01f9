//! What users talk to.

use std::sync::Arc;

use anyhow::Context as _;
use coderun_app::{Executions, ExecutionsPorts, Fleet, Runners, Shutdown};
use coderun_domain::TokenVerifier;
use coderun_firebase::DevelopmentIssuer;
use coderun_http::{AllowedHosts, AllowedOrigins, HttpConfig, HttpPorts, SocketLimits};

use super::{BasePorts, readiness};
use crate::settings::Settings;

/// Whose tokens are accepted, for readiness and the start-up log.
pub(crate) const DEVELOPMENT_NOTE: &str =
    "tokens of the development issuer are accepted, which anybody on this machine can make";

/// The ports of the role that users talk to.
#[derive(Debug, Clone)]
pub(crate) struct ApiPorts {
    pub(crate) base: BasePorts,
    pub(crate) verifier: Arc<dyn TokenVerifier>,
}

/// Makes the adapters behind them.
pub(crate) fn api_ports(settings: &Settings, base: BasePorts) -> anyhow::Result<ApiPorts> {
    let issuer = development_issuer(settings)?;
    let verifier = Arc::new(issuer.verifier(Arc::clone(&base.clock)));
    Ok(ApiPorts { base, verifier })
}

/// The issuer whose key is in the state directory.
pub(crate) fn development_issuer(settings: &Settings) -> anyhow::Result<DevelopmentIssuer> {
    let directory = settings
        .state_dir
        .as_deref()
        .context("there is no home directory: set STATE_DIR to a folder for the key")?;
    DevelopmentIssuer::open(directory).context("cannot use the key of the development issuer")
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
    let readiness = readiness(base, runners, Some(&ports.verifier), shutdown);
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
            None => AllowedOrigins::AnyLoopback,
        },
        hosts: if settings.dangerously_expose_development_tokens {
            AllowedHosts::Any
        } else {
            AllowedHosts::LoopbackOnly
        },
        sockets: SocketLimits {
            total_max: limits.sockets_max,
            per_user_max: limits.user_sockets_max,
            ..SocketLimits::default()
        },
        ..HttpConfig::default()
    }
}
