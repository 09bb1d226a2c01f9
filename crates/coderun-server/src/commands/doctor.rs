//! `coderun doctor`: what works on this machine and what does not.

use std::process::ExitCode;

use coderun_app::{Check, CheckStatus, Shutdown};

use super::print;
use crate::compose;
use crate::settings::Settings;

/// Builds everything that `serve` would, asks each part how it is, and fails if one would not work.
pub(crate) fn doctor(settings: &Settings) -> anyhow::Result<ExitCode> {
    coderun_firebase::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (checks, languages) = runtime.block_on(async {
        let ports = compose::ports(settings).await?;
        let checks = compose::readiness(&ports, &Shutdown::default())
            .checks()
            .await;
        anyhow::Ok((checks, ports.runner.languages()))
    })?;
    for check in &checks {
        print(&line(check))?;
    }
    for spec in &languages {
        let versions = spec.versions.join(", ");
        print(&format!(
            "language  {:<10} {versions}",
            spec.language.as_str()
        ))?;
    }
    let failing = checks
        .iter()
        .any(|check| check.status == CheckStatus::Failing);
    if failing || languages.is_empty() {
        print("this machine cannot run code as it is")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn line(check: &Check) -> String {
    let reason = check.reason.as_deref().unwrap_or_default();
    let (name, status) = (check.name, check.status.as_str());
    format!("{name:<9} {status:<10} {reason}")
        .trim_end()
        .to_owned()
}
