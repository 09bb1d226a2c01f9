//! `coderun doctor`: what works on this machine and what does not.

use std::process::ExitCode;
use std::sync::Arc;

use coderun_app::{Check, CheckStatus, Runners, Shutdown};
use coderun_domain::LanguageSpec;

use super::print;
use crate::compose;
use crate::settings::{Role, Settings};

/// What was found.
#[derive(Debug)]
struct Findings {
    checks: Vec<Check>,
    languages: Vec<LanguageSpec>,
}

/// Builds everything that `serve` would in this role, asks each part how it is, and fails if one would not work.
pub(crate) fn doctor(settings: &Settings) -> anyhow::Result<ExitCode> {
    coderun_firebase::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let Findings { checks, languages } = runtime.block_on(examine(settings))?;
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
        let is_runner =
            |check: &Check| check.name == "runner" && check.status == CheckStatus::Failing;
        let runs_nothing = languages.is_empty() || checks.iter().any(is_runner);
        print(if settings.role.runs_code() && runs_nothing {
            "no code can be run as it is"
        } else {
            "this service would not be ready as it is"
        })?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn examine(settings: &Settings) -> anyhow::Result<Findings> {
    // The file of `DATA_DIR` belongs to the service, which may be running now or may run as another user.
    let settings = &Settings {
        data_dir: None,
        ..settings.clone()
    };
    match settings.role {
        Role::All | Role::Worker => examine_worker(settings).await,
        Role::Api => examine_api(settings).await,
    }
}

/// The machine that runs code, and the users where they are known here.
async fn examine_worker(settings: &Settings) -> anyhow::Result<Findings> {
    let base = compose::base_ports(settings).await?;
    let ports = compose::worker_ports(settings, base.clone()).await?;
    let verifier = if settings.role.serves_api() {
        Some(compose::api_ports(settings, base)?.verifier)
    } else {
        None
    };
    let runners = Runners::Own(Arc::clone(&ports.runner));
    let shutdown = Shutdown::default();
    let readiness =
        compose::readiness(&ports.base, runners, verifier.as_ref(), settings, &shutdown);
    Ok(Findings {
        checks: readiness.checks().await,
        languages: ports.runner.languages(),
    })
}

/// The workers, wherever they are, and the users.
async fn examine_api(settings: &Settings) -> anyhow::Result<Findings> {
    let base = compose::base_ports(settings).await?;
    let ports = compose::api_ports(settings, base)?;
    let fleet = Arc::new(compose::fleet(&ports.base, settings)?);
    let runners = Runners::Fleet(Arc::clone(&fleet));
    let (verifier, shutdown) = (Some(&ports.verifier), Shutdown::default());
    let readiness = compose::readiness(&ports.base, runners, verifier, settings, &shutdown);
    let checks = readiness.checks().await;
    let view = fleet.view().ok();
    Ok(Findings {
        checks,
        languages: view.map_or_else(Vec::new, |view| view.catalog().specs().to_vec()),
    })
}

fn line(check: &Check) -> String {
    let reason = check.reason.as_deref().unwrap_or_default();
    let (name, status) = (check.name, check.status.as_str());
    format!("{name:<9} {status:<10} {reason}")
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[tokio::test]
    async fn an_api_is_examined_without_a_sandbox() {
        let state = tempfile::tempdir().unwrap();
        let flags = ["coderun", "--state-dir", state.path().to_str().unwrap()];
        let nothing = HashMap::<&str, &str>::new();
        let read = crate::settings::read(flags.map(Into::into), &nothing).unwrap();
        let settings = Settings {
            role: Role::Api,
            ..read.settings
        };
        let findings = examine(&settings).await.unwrap();
        let lines: Vec<_> = findings.checks.iter().map(line).collect();
        let runner = "runner    failing    no worker is available".to_owned();
        assert!(lines.contains(&runner), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("keys")));
        assert!(findings.languages.is_empty());
    }
}
