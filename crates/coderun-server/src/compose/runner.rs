//! Builds the runner: the sandbox, or a third party's API.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use coderun_domain::CodeRunner;
use coderun_runner_http::{HttpRunner, HttpRunnerConfig, PistonConfig};
use coderun_runner_sandbox::{LanguageChecks, SandboxConfig, SandboxRunner};

use crate::settings::{Runner, Settings};

/// Starts the runner that the settings choose.
pub(super) async fn start(settings: &Settings) -> anyhow::Result<Arc<dyn CodeRunner>> {
    Ok(match settings.runners.runner {
        Runner::Sandbox => Arc::new(SandboxRunner::start(sandbox_config(settings)?).await?),
        Runner::Piston => {
            let runner = HttpRunner::piston(http_config(settings)?, piston_config(settings)).await;
            Arc::new(
                runner.context("cannot start with the Piston server (CODE_EXECUTION_API_URL)")?,
            )
        }
    })
}

fn sandbox_config(settings: &Settings) -> anyhow::Result<SandboxConfig> {
    let default = SandboxConfig::default();
    let search_path = settings.toolchain_path.as_ref().map(|path| {
        let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
        folders.collect()
    });
    let home = settings.home.iter();
    let required = settings.runners.require.as_ref();
    Ok(SandboxConfig {
        required: required.map_or_else(Vec::new, |controls| controls.list().to_vec()),
        languages: settings.languages()?,
        language_checks: language_checks(settings)?,
        slots: settings.programs_max(),
        busy_slots: settings.runners.concurrency().total(),
        memory_budget: settings.runners.memory_budget,
        run_millicores: settings.runners.run_cores.millicores(),
        search_path: search_path.unwrap_or(default.search_path),
        discovery_environment: home.map(|home| ("HOME".to_owned(), home.clone())).collect(),
        ..default
    })
}

fn language_checks(settings: &Settings) -> anyhow::Result<Option<LanguageChecks>> {
    let interval = Duration::from_secs(settings.runners.language_check_seconds.into());
    if interval.is_zero() {
        return Ok(None);
    }
    let policy = settings.limits.submission_policy()?;
    Ok(Some(LanguageChecks { policy, interval }))
}

fn http_config(settings: &Settings) -> anyhow::Result<HttpRunnerConfig> {
    let runners = &settings.runners;
    let url = runners.code_execution_api_url.as_ref();
    let url = url.context("CODE_EXECUTION_API_URL is not set")?;
    Ok(HttpRunnerConfig {
        api_key: runners.code_execution_api_key.clone(),
        api_key_header: runners.code_execution_api_key_header.clone(),
        concurrency: runners.concurrency().total(),
        languages: settings.languages()?,
        ..HttpRunnerConfig::new(url.as_str())
    })
}

fn piston_config(settings: &Settings) -> PistonConfig {
    let runners = &settings.runners;
    let millis = |setting: u32| Duration::from_millis(setting.into());
    PistonConfig {
        body_max: runners.piston_body_max,
        output_max: runners.piston_output_max,
        run_timeout: millis(runners.piston_run_timeout),
        run_cpu_time: millis(runners.piston_run_cpu_time),
        run_memory: runners.piston_run_memory_limit,
        compile_timeout: millis(runners.piston_compile_timeout),
        compile_cpu_time: millis(runners.piston_compile_cpu_time),
        compile_memory: runners.piston_compile_memory_limit,
    }
}
