//! Configures a stand-in; the defaults are those of a stock Piston.

use std::time::Duration;

use coderun_runner_sandbox::SandboxConfig;

use crate::Runtime;

/// Settings of a stand-in.
#[derive(Debug, Clone)]
pub struct StandinOptions {
    /// The port on 127.0.0.1. Default: 0, any free one.
    pub port: u16,
    /// The sandbox that runs programs; its slots are replaced. Default: none, every program gets the fixed result.
    pub sandbox: Option<SandboxConfig>,
    /// The stdout of the fixed result.
    pub fixed_stdout: String,
    /// The runtimes on offer. Default: those of the sandbox, else one version of each common language.
    pub runtimes: Option<Vec<Runtime>>,
    /// Piston's configured limits.
    pub limits: PistonLimits,
    /// Name and value of a header without which every request is answered with 401. Default: none.
    pub required_header: Option<(String, String)>,
    /// The delay before each answer of `/execute`. Default: 0.
    pub latency: Duration,
}

impl Default for StandinOptions {
    fn default() -> Self {
        Self {
            port: 0,
            sandbox: None,
            fixed_stdout: "Hello, World!\n".to_owned(),
            runtimes: None,
            limits: PistonLimits::STOCK,
            required_header: None,
            latency: Duration::ZERO,
        }
    }
}

/// The limits that Piston's operator configures. A request that asks for more is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct PistonLimits {
    /// Wall-clock time of the compile stage
    #[arg(long, default_value_t = Self::STOCK.compile_timeout_ms)]
    pub compile_timeout_ms: u64,
    /// Wall-clock time of the run stage
    #[arg(long, default_value_t = Self::STOCK.run_timeout_ms)]
    pub run_timeout_ms: u64,
    /// CPU time of the compile stage
    #[arg(long, default_value_t = Self::STOCK.compile_cpu_time_ms)]
    pub compile_cpu_time_ms: u64,
    /// CPU time of the run stage
    #[arg(long, default_value_t = Self::STOCK.run_cpu_time_ms)]
    pub run_cpu_time_ms: u64,
    /// Memory of the compile stage (a stock Piston has no such limit)
    #[arg(long, default_value_t = Self::STOCK.compile_memory_limit_bytes)]
    pub compile_memory_limit_bytes: u64,
    /// Memory of the run stage (a stock Piston has no such limit)
    #[arg(long, default_value_t = Self::STOCK.run_memory_limit_bytes)]
    pub run_memory_limit_bytes: u64,
    /// Bytes kept of each of stdout and stderr
    #[arg(long, default_value_t = Self::STOCK.output_max_size_bytes)]
    pub output_max_size_bytes: usize,
    /// The longest request body
    #[arg(long, default_value_t = Self::STOCK.body_limit_bytes)]
    pub body_limit_bytes: usize,
}

impl PistonLimits {
    /// The limits of a stock Piston.
    pub const STOCK: Self = Self {
        compile_timeout_ms: 10_000,
        run_timeout_ms: 3_000,
        compile_cpu_time_ms: 10_000,
        run_cpu_time_ms: 3_000,
        compile_memory_limit_bytes: 1 << 30,
        run_memory_limit_bytes: 1 << 30,
        output_max_size_bytes: 1024,
        body_limit_bytes: 100 << 10,
    };
}
