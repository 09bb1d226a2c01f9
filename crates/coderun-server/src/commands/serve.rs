//! `coderun serve` runs the service.

use std::net::TcpListener;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::lifecycle::StopSignals;
use crate::roles;
use crate::settings::Settings;
use crate::system::raise_open_files_limit;

/// Open files beside sockets: those of runs, of the runtime and of requests.
const OTHER_FILES: usize = 512;

/// Runs the service until a signal stops it.
pub(crate) fn serve(settings: &Settings) -> anyhow::Result<ExitCode> {
    if settings.role.serves_api() {
        raise_open_files_limit(settings.limits.sockets_max + OTHER_FILES);
    }
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let signals = StopSignals::listen()?;
        let address = settings.listen_address();
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot listen on {address} (HOST, PORT)"))?;
        roles::serve(listener, settings, signals).await
    })?;
    Ok(ExitCode::SUCCESS)
}
