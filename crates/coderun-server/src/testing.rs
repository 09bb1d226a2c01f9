//! Serves with a given runner, so that benchmarks measure the service and not a sandbox.

use std::net::TcpListener;
use std::sync::Arc;

use coderun_app::Shutdown;
use coderun_domain::CodeRunner;

use crate::compose::Ports;
use crate::settings::{self, Role, Settings};
use crate::{Environment, roles, telemetry};

/// Serves with the settings of the environment, but with this runner, until the process is killed.
///
/// # Errors
/// Invalid settings, an address in use, and parts that do not start.
pub fn serve_with_runner(
    environment: &dyn Environment,
    runner: Arc<dyn CodeRunner>,
) -> anyhow::Result<()> {
    let settings = settings::read(["coderun".into()], environment)?.settings;
    telemetry::start(settings.log_format, environment)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        // An API builds everything but a runner.
        let without_runner = Settings {
            role: Role::Api,
            ..settings.clone()
        };
        let ports = Ports {
            runner: Some(runner),
            ..Ports::build(&without_runner).await?
        };
        let listener = TcpListener::bind(settings.listen_address())?;
        roles::run(listener, None, &ports, &settings, &Shutdown::default()).await
    })
}
