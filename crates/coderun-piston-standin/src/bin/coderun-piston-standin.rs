//! A stand-in for Piston as a program of its own.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use coderun_domain::ByteSize;
use coderun_piston_standin::{
    Endpoint, FixedResult, PistonLimits, PistonStandin, Programs, RequiredHeader, SignalReport,
    StandinOptions, Turn,
};
use coderun_runner_sandbox::SandboxConfig;

/// Speaks Piston's protocol on 127.0.0.1 and runs programs in the sandbox of coderun.
///
/// Prints its address in one line, and ends on SIGINT or SIGTERM. Nothing else of the machine is needed than what the
/// sandbox needs.
#[derive(Debug, Parser)]
#[command(name = "coderun-piston-standin", version)]
struct Arguments {
    /// The port; 0 takes any that is free.
    #[arg(long, default_value_t = 2000)]
    port: u16,
    /// What becomes of programs.
    #[arg(long, value_enum, default_value_t = Mode::Sandboxed)]
    programs: Mode,
    /// Passes before each answer of `/execute`.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// What every request to `/execute` meets, such as `reset`, `too-many-requests:30` or `after-run:truncated-json`;
    /// an unknown name prints all there are.
    #[arg(long, default_value = "good")]
    fault: Turn,
    /// What the first requests to `/execute` meet instead, one after the other: `reset,good,hang`.
    #[arg(long, value_delimiter = ',')]
    script: Vec<Turn>,
    /// A header without which the answer is 401, as `NAME: VALUE`.
    #[arg(long, value_parser = header)]
    authorization: Option<RequiredHeader>,
    /// How a program that a signal ended is reported.
    #[arg(long, value_enum, default_value_t = Signals::ExitCode)]
    signals: Signals,
    /// The longest request body.
    #[arg(long, default_value_t = 100 * 1024)]
    body_limit_bytes: u64,
    /// How many programs run at a time; others wait.
    #[arg(long, default_value_t = 64)]
    max_concurrent_jobs: usize,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(Debug, clap::Args)]
struct LimitArguments {
    /// Time on the clock for compiling.
    #[arg(long, default_value_t = 10_000)]
    compile_timeout_ms: u64,
    /// Time on the clock for running.
    #[arg(long, default_value_t = 3_000)]
    run_timeout_ms: u64,
    /// CPU time for compiling.
    #[arg(long, default_value_t = 10_000)]
    compile_cpu_time_ms: u64,
    /// CPU time for running.
    #[arg(long, default_value_t = 3_000)]
    run_cpu_time_ms: u64,
    /// Memory for compiling [default: none but the ceiling]
    #[arg(long)]
    compile_memory_limit_bytes: Option<u64>,
    /// Memory for running [default: none but the ceiling]
    #[arg(long)]
    run_memory_limit_bytes: Option<u64>,
    /// Memory of a stage for which there is no other limit.
    #[arg(long, default_value_t = 1 << 30)]
    memory_ceiling_bytes: u64,
    /// What is taken of each of stdout and stderr.
    #[arg(long, default_value_t = 1024)]
    output_max_size_bytes: u64,
    /// Processes at one time.
    #[arg(long, default_value_t = 64)]
    max_process_count: u32,
    /// Open files of one process.
    #[arg(long, default_value_t = 2048)]
    max_open_files: u32,
    /// The size of any one file.
    #[arg(long, default_value_t = 10_000_000)]
    max_file_size_bytes: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// They are run in the sandbox.
    Sandboxed,
    /// None is run: each gets the same greeting.
    Fixed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Signals {
    /// As an exit code, as Piston's own packages do.
    ExitCode,
    /// As a signal.
    Signal,
}

fn main() -> ExitCode {
    coderun_runner_sandbox::launcher_main();
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new();
    match runtime.and_then(|runtime| runtime.block_on(serve(arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "coderun-piston-standin: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> io::Result<()> {
    let (script, fault) = (arguments.script.clone(), arguments.fault.clone());
    let standin = PistonStandin::start(options(arguments)).await?;
    standin.fail_next(Endpoint::Execute, script);
    standin.fail_always(Endpoint::Execute, fault);
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    writeln!(io::stdout(), "{}", standin.url())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

fn options(arguments: Arguments) -> StandinOptions {
    StandinOptions {
        port: arguments.port,
        programs: match arguments.programs {
            Mode::Sandboxed => Programs::Sandboxed(SandboxConfig::default()),
            Mode::Fixed => Programs::Fixed(FixedResult::default()),
        },
        runtimes: None,
        memory_ceiling: ByteSize::from_bytes(arguments.limits.memory_ceiling_bytes),
        limits: limits(&arguments.limits),
        signals: match arguments.signals {
            Signals::ExitCode => SignalReport::ExitCode,
            Signals::Signal => SignalReport::Signal,
        },
        body_limit: ByteSize::from_bytes(arguments.body_limit_bytes),
        max_concurrent_jobs: arguments.max_concurrent_jobs,
        authorization: arguments.authorization,
        latency: Duration::from_millis(arguments.latency_ms),
    }
}

fn limits(arguments: &LimitArguments) -> PistonLimits {
    PistonLimits {
        compile_timeout: Duration::from_millis(arguments.compile_timeout_ms),
        run_timeout: Duration::from_millis(arguments.run_timeout_ms),
        compile_cpu_time: Duration::from_millis(arguments.compile_cpu_time_ms),
        run_cpu_time: Duration::from_millis(arguments.run_cpu_time_ms),
        compile_memory_limit: arguments
            .compile_memory_limit_bytes
            .map(ByteSize::from_bytes),
        run_memory_limit: arguments.run_memory_limit_bytes.map(ByteSize::from_bytes),
        output_max_size: ByteSize::from_bytes(arguments.output_max_size_bytes),
        max_process_count: arguments.max_process_count,
        max_open_files: arguments.max_open_files,
        max_file_size: ByteSize::from_bytes(arguments.max_file_size_bytes),
    }
}

fn header(text: &str) -> Result<RequiredHeader, String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| "must be `NAME: VALUE`".to_owned())?;
    Ok(RequiredHeader {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}
