//! `coderun serve` runs the service.

use std::net::TcpListener;
use std::process::ExitCode;

use anyhow::Context as _;
use coderun_app::CheckStatus;

use crate::compose::ConnectionLimits;
use crate::lifecycle::StopSignals;
use crate::roles;
use crate::settings::Settings;
use crate::system::{open_files_limit, raise_open_files_limit};

/// Runs the service until a signal stops it.
pub(crate) fn serve(settings: &Settings) -> anyhow::Result<ExitCode> {
    raise_open_files_limit();
    if settings.role.serves_api() {
        let files = ConnectionLimits::new(settings, open_files_limit()).check();
        if files.status == CheckStatus::Degraded {
            tracing::warn!(reason = files.reason, "the limit of open files is low");
        }
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
