//! Defines the settings of runners.

use clap::{Args, ValueEnum};
use coderun_domain::ByteSize;

use super::values::{ApiUrl, Cores, RequiredControls, positive, size};
use crate::compose::values::ApiKey;

/// The settings of runners.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunnerSettings {
    /// Runner of the code: the built-in sandbox (`sandbox`) or a Piston server (`piston`).
    #[arg(long, default_value = "sandbox")]
    pub(crate) runner: Runner,
    /// Base URL of the third party's API with its path, such as `http://piston:2000/api/v2`.
    #[arg(long, hide_default_value = true)]
    pub(crate) code_execution_api_url: Option<ApiUrl>,
    /// Key for the third party's API: the whole value of the header that carries it.
    #[arg(long, hide_default_value = true, value_parser = ApiKey::parse)]
    pub(crate) code_execution_api_key: Option<ApiKey>,
    /// Header that carries the key.
    #[arg(long, default_value = "Authorization")]
    pub(crate) code_execution_api_key_header: String,
    /// Largest request that the Piston server accepts: code, files and input together, as JSON.
    #[arg(long, default_value = "100KiB", value_parser = size)]
    pub(crate) piston_body_max: ByteSize,
    /// Output that the Piston server keeps of each stream: its `PISTON_OUTPUT_MAX_SIZE`.
    #[arg(long, default_value = "1KiB", value_parser = size)]
    pub(crate) piston_output_max: ByteSize,
    /// `PISTON_RUN_TIMEOUT` of the Piston server, in milliseconds.
    #[arg(long, default_value = "3000", value_parser = positive::<u32>)]
    pub(crate) piston_run_timeout: u32,
    /// `PISTON_RUN_CPU_TIME` of the Piston server, in milliseconds.
    #[arg(long, default_value = "3000", value_parser = positive::<u32>)]
    pub(crate) piston_run_cpu_time: u32,
    /// `PISTON_RUN_MEMORY_LIMIT` of the Piston server. Default: none.
    #[arg(long, value_parser = size)]
    pub(crate) piston_run_memory_limit: Option<ByteSize>,
    /// `PISTON_COMPILE_TIMEOUT` of the Piston server, in milliseconds.
    #[arg(long, default_value = "10000", value_parser = positive::<u32>)]
    pub(crate) piston_compile_timeout: u32,
    /// `PISTON_COMPILE_CPU_TIME` of the Piston server, in milliseconds.
    #[arg(long, default_value = "10000", value_parser = positive::<u32>)]
    pub(crate) piston_compile_cpu_time: u32,
    /// `PISTON_COMPILE_MEMORY_LIMIT` of the Piston server. Default: none.
    #[arg(long, value_parser = size)]
    pub(crate) piston_compile_memory_limit: Option<ByteSize>,
    /// Controls without which the sandbox runs nothing, separated by commas: `memory`, `cpu`, `processes`. They need control groups: polling does not satisfy them.
    #[arg(long)]
    pub(crate) require: Option<RequiredControls>,
    /// Seconds between two checks whether a language of the sandbox runs; one that fails is not offered. 0: all are offered unchecked.
    #[arg(long, default_value_t = 3600)]
    pub(crate) language_check_seconds: u32,
    /// Processor cores that one program of the sandbox gets at most, such as `1` or `0.5`. 0: as many as others leave, in equal shares.
    #[arg(long, default_value = "0")]
    pub(crate) run_cores: Cores,
    /// Executions that run at a time. Default: the number of cores, or 64 for a third party's API.
    #[arg(long, value_parser = positive::<usize>)]
    pub(crate) worker_concurrency: Option<usize>,
}

/// A kind of runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runner {
    /// The built-in sandbox.
    Sandbox,
    /// A Piston server.
    Piston,
}

impl Runner {
    /// Attempts before an execution is given up because the runner fails.
    pub(crate) const fn attempts_max(self) -> u32 {
        match self {
            Self::Sandbox => 3,
            Self::Piston => 2,
        }
    }
}
