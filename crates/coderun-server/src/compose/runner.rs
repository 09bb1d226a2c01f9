//! What runs the code.

use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::Context as _;
use coderun_domain::CodeRunner;
use coderun_runner_http::{PistonConfig, PistonRunner};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};

use crate::settings::{Runner, Settings, Size};

/// So many executions at a time, where the settings do not say how many, by a runner that takes no time of this machine.
const REMOTE_CONCURRENCY: usize = 64;

/// Makes the runner that the settings ask for.
pub(super) async fn runner(settings: &Settings) -> anyhow::Result<Arc<dyn CodeRunner>> {
    match settings.runners.runner {
        Runner::Sandbox => {
            let runner = SandboxRunner::start(sandbox_config(settings)).await?;
            Ok(Arc::new(runner))
        }
        Runner::Piston => {
            let runner = PistonRunner::start(piston_config(settings)?).await;
            Ok(Arc::new(
                runner.context("cannot start with this Piston server")?,
            ))
        }
    }
}

/// How many executions there may be at a time.
pub(super) fn concurrency(settings: &Settings) -> usize {
    let usual = || match settings.runners.runner {
        Runner::Sandbox => available_parallelism().map_or(1, usize::from),
        Runner::Piston => REMOTE_CONCURRENCY,
    };
    settings.runners.worker_concurrency.unwrap_or_else(usual)
}

fn sandbox_config(settings: &Settings) -> SandboxConfig {
    let default = SandboxConfig::default();
    let search_path = settings.toolchain_path.as_ref().map(|path| {
        let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
        folders.collect()
    });
    let home = settings
        .home
        .iter()
        .map(|home| ("HOME".to_owned(), home.clone()));
    SandboxConfig {
        slots: concurrency(settings),
        search_path: search_path.unwrap_or(default.search_path),
        discovery_environment: home.collect(),
        ..default
    }
}

fn piston_config(settings: &Settings) -> anyhow::Result<PistonConfig> {
    let runners = &settings.runners;
    let url = runners.code_execution_api_url.as_ref();
    let url = url.context("CODE_EXECUTION_API_URL is not set")?;
    Ok(PistonConfig {
        api_key: runners.code_execution_api_key.clone(),
        api_key_header: runners.code_execution_api_key_header.clone(),
        concurrency: concurrency(settings),
        body_max: runners.piston_body_max.bytes(),
        output_max: runners.piston_output_max.map(Size::bytes),
        ..PistonConfig::new(url.as_str())
    })
}
