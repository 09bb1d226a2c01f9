//! Runs the stand-in for Piston as a program of its own.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use coderun_piston_standin::{Behavior, PistonLimits, PistonStandin, StandinOptions};
use coderun_runner_sandbox::SandboxConfig;

/// Speaks Piston's API on 127.0.0.1 and runs programs in the sandbox of coderun.
///
/// Prints its address in one line, and ends on SIGINT or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "coderun-piston-standin", version)]
struct Arguments {
    /// The port; 0 takes any free one
    #[arg(long, default_value_t = 2000)]
    port: u16,
    /// Answers every program with this output instead of running it
    #[arg(long)]
    fixed_stdout: Option<String>,
    /// The delay before each answer of `/execute`
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// What every program meets, such as `reset`, `429:30` or `after-run:500`; an unknown name prints all
    #[arg(long, default_value = "run")]
    fault: Behavior,
    /// What the first programs meet instead, such as `reset,run,never`
    #[arg(long, value_delimiter = ',')]
    script: Vec<Behavior>,
    #[command(flatten)]
    limits: PistonLimits,
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
    let options = StandinOptions {
        port: arguments.port,
        sandbox: arguments
            .fixed_stdout
            .is_none()
            .then(SandboxConfig::default),
        fixed_stdout: arguments.fixed_stdout.unwrap_or_default(),
        limits: arguments.limits,
        latency: Duration::from_millis(arguments.latency_ms),
        ..StandinOptions::default()
    };
    let standin = PistonStandin::start(options).await?;
    standin.script(arguments.script);
    standin.script_all(arguments.fault);
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    writeln!(io::stdout(), "{}", standin.url())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}
