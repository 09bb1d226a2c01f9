//! `coderun doctor` checks what works on this machine and what does not.

use std::process::ExitCode;
use std::time::Duration;

use coderun_app::{Check, CheckStatus, Shutdown};
use coderun_domain::{ByteSize, LanguageSpec};

use super::print;
use crate::compose::{ConnectionLimits, Ports, Process};
use crate::settings::{Runner, Settings};
use crate::system::{open_files_limit, raise_open_files_limit};

/// The longest wait for the first check of all languages.
const LANGUAGES_MAX: Duration = Duration::from_mins(2);

/// The results of all checks.
#[derive(Debug)]
struct Findings {
    checks: Vec<Check>,
    /// The memory that programs of the sandbox may have together.
    memory_budget: Option<ByteSize>,
    languages: Vec<LanguageSpec>,
}

/// Builds everything that `serve` builds in this role, checks each part, and fails if one does not work.
pub(crate) fn doctor(settings: &Settings) -> anyhow::Result<ExitCode> {
    raise_open_files_limit();
    let runtime = tokio::runtime::Runtime::new()?;
    let Findings {
        checks,
        memory_budget,
        languages,
    } = runtime.block_on(check_machine(settings))?;
    for check in &checks {
        print(&line(check))?;
    }
    if let Some(budget) = memory_budget {
        print(&format!(
            "memory    {budget} for the limits of all programs together (MEMORY_BUDGET)"
        ))?;
    }
    for spec in &languages {
        let versions = spec.versions.join(", ");
        let language = spec.language.as_str();
        print(&format!("language  {language:<10} {versions}"))?;
    }
    let is_failing = |check: &&Check| check.status == CheckStatus::Failing;
    let failing: Vec<_> = checks.iter().filter(is_failing).collect();
    if !failing.is_empty() || languages.is_empty() {
        let runs_nothing = languages.is_empty() || failing.iter().any(|it| it.name == "runner");
        print(if settings.role.runs_code() && runs_nothing {
            "this service cannot run any code"
        } else {
            "this service is not ready"
        })?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn check_machine(settings: &Settings) -> anyhow::Result<Findings> {
    // The file in `DATA_DIR` belongs to the service, which may be running now or as another user.
    let settings = &Settings {
        data_dir: None,
        ..settings.clone()
    };
    let ports = Ports::build(settings).await?;
    if let Some(runner) = &ports.runner {
        // What is not checked by then is reported as such.
        drop(tokio::time::timeout(LANGUAGES_MAX, runner.languages_checked()).await);
    }
    let process = Process::new(&ports, settings, &Shutdown::default())?;
    let mut checks = process.probes.readiness.checks().await;
    if settings.role.serves_api() {
        checks.push(ConnectionLimits::new(settings, open_files_limit()).check());
    }
    let maximum = ports.runner.as_ref().and_then(|it| it.maximum_limits());
    let maximum = maximum.filter(|_| settings.runners.runner == Runner::Sandbox);
    let fleet = process.fleet.and_then(|fleet| fleet.view().ok());
    let languages = match (ports.runner, fleet) {
        (Some(runner), _) => runner.languages(),
        (None, Some(view)) => view.catalog().specs().to_vec(),
        (None, None) => Vec::new(),
    };
    Ok(Findings {
        checks,
        memory_budget: maximum.map(|limits| limits.run.memory()),
        languages,
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
    use super::*;
    use crate::settings::Role;
    use crate::settings::testing::settings_with;

    #[tokio::test]
    async fn an_api_is_examined_without_a_sandbox() {
        let state = tempfile::tempdir().unwrap();
        let settings = Settings {
            role: Role::Api,
            state_dir: Some(state.path().to_owned()),
            ..settings_with(&[])
        };
        let findings = check_machine(&settings).await.unwrap();
        let lines: Vec<_> = findings.checks.iter().map(line).collect();
        let runner = "runner    failing    no worker is available".to_owned();
        assert!(lines.contains(&runner), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("keys")));
        assert!(findings.languages.is_empty());
    }
}
