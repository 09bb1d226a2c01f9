//! Defines the settings of runners.

use std::thread::available_parallelism;

use clap::{Args, ValueEnum};
use coderun_domain::ByteSize;

use super::values::{ApiUrl, Cores, RequiredControls, size, whole};
use crate::compose::values::ApiKey;

/// The default number of executions that an API runs at a time.
const REMOTE_CONCURRENCY: usize = 64;

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
    #[arg(long, default_value = "3000", value_parser = whole::<1, 3_600_000, u32>)]
    pub(crate) piston_run_timeout: u32,
    /// `PISTON_RUN_CPU_TIME` of the Piston server, in milliseconds.
    #[arg(long, default_value = "3000", value_parser = whole::<1, 3_600_000, u32>)]
    pub(crate) piston_run_cpu_time: u32,
    /// `PISTON_RUN_MEMORY_LIMIT` of the Piston server. Default: none.
    #[arg(long, value_parser = size)]
    pub(crate) piston_run_memory_limit: Option<ByteSize>,
    /// `PISTON_COMPILE_TIMEOUT` of the Piston server, in milliseconds.
    #[arg(long, default_value = "10000", value_parser = whole::<1, 3_600_000, u32>)]
    pub(crate) piston_compile_timeout: u32,
    /// `PISTON_COMPILE_CPU_TIME` of the Piston server, in milliseconds.
    #[arg(long, default_value = "10000", value_parser = whole::<1, 3_600_000, u32>)]
    pub(crate) piston_compile_cpu_time: u32,
    /// `PISTON_COMPILE_MEMORY_LIMIT` of the Piston server. Default: none.
    #[arg(long, value_parser = size)]
    pub(crate) piston_compile_memory_limit: Option<ByteSize>,
    /// Controls without which the sandbox runs nothing, separated by commas: `memory`, `cpu`, `processes`. They need
    /// control groups: polling does not satisfy them.
    #[arg(long)]
    pub(crate) require: Option<RequiredControls>,
    /// Seconds between two checks whether a language of the sandbox runs; one that fails is not offered. 0: all are offered unchecked.
    #[arg(long, default_value_t = 3600, value_parser = whole::<0, 31_536_000, u32>)]
    pub(crate) language_check_seconds: u32,
    /// Processor cores that one program of the sandbox gets at most, such as `1` or `0.5`. 0: as many as others leave, in equal shares.
    #[arg(long, default_value = "0")]
    pub(crate) run_cores: Cores,
    /// Memory limits of all programs of the sandbox together; an execution that does not fit waits. Default: three
    /// quarters of the memory of the machine, or of the control group of the service.
    #[arg(long, value_parser = size)]
    pub(crate) memory_budget: Option<ByteSize>,
    /// Executions that run at a time. Default: the number of cores, or 64 for a third party's API. While all are in
    /// use, the sandbox runs as many more as there are cores, for users who run nothing.
    #[arg(long, value_parser = whole::<1, 10_000, usize>)]
    pub(crate) worker_concurrency: Option<usize>,
}

/// How many executions a worker runs at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Concurrency {
    /// Of all users.
    pub(crate) ordinary: usize,
    /// Beside those, of users who run nothing.
    pub(crate) extra: usize,
}

impl Concurrency {
    pub(crate) const fn total(self) -> usize {
        self.ordinary + self.extra
    }
}

impl RunnerSettings {
    /// The executions that run at a time, without extra ones of the sandbox.
    pub(crate) fn places(&self) -> usize {
        self.worker_concurrency.unwrap_or(match self.runner {
            Runner::Sandbox => cores(),
            Runner::Piston => REMOTE_CONCURRENCY,
        })
    }

    /// As many extra ones as there are cores. Those of an API are among its places, because it has no others.
    pub(crate) fn concurrency(&self) -> Concurrency {
        let (places, cores) = (self.places(), cores());
        let (ordinary, extra) = match self.runner {
            Runner::Sandbox => (places, cores),
            Runner::Piston => (places - cores.min(places / 2), cores.min(places / 2)),
        };
        Concurrency { ordinary, extra }
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
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
