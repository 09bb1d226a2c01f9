//! Measures what the sandbox costs, and how soon a client hears of what a program does.
//!
//! Prints three tables; the last is of the memory that programs take beyond a limit that no control group keeps.
//! `cargo bench -p coderun-runner-sandbox`; an argument that is a number says how often to measure.

mod latency;
mod overhead;
mod overshoot;

use std::path::PathBuf;

use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let times = std::env::args().find_map(|argument| argument.parse().ok());
    let times = times.unwrap_or(100);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let launcher = PathBuf::from(env!("CARGO_BIN_EXE_coderun-sandbox-launcher"));
        let runner = SandboxRunner::start(SandboxConfig {
            launcher: launcher.clone(),
            ..SandboxConfig::default()
        })
        .await?;
        overhead::measure(&runner, times).await?;
        latency::measure(&runner, times).await?;
        overshoot::measure(launcher, times.div_ceil(10)).await
    })
}
