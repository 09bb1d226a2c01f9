//! The runner for Piston keeps the contract of runners, against a server that speaks as Piston does.
//!
//! These tests live here because the server's launcher is this crate's own program.

#![expect(
    clippy::unwrap_used,
    reason = "what the fixture cannot do fails the test"
)]

use std::path::PathBuf;
use std::sync::Arc;

use coderun_conformance::{Abilities, Killing, OutputFidelity, RunnerUnderTest, SignalFidelity};
use coderun_domain::ByteSize;
use coderun_piston_standin::{PistonLimits, PistonStandin, Programs, StandinOptions};
use coderun_runner_http::{PistonConfig, PistonRunner};
use coderun_runner_sandbox::SandboxConfig;

/// A Piston as it comes.
fn options() -> StandinOptions {
    StandinOptions {
        programs: Programs::Sandboxed(SandboxConfig {
            launcher: PathBuf::from(env!("CARGO_BIN_EXE_coderun-piston-standin")),
            ..SandboxConfig::default()
        }),
        ..StandinOptions::default()
    }
}

async fn runner(concurrency: usize) -> RunnerUnderTest {
    let piston = Arc::new(PistonStandin::start(options()).await.unwrap());
    let config = PistonConfig {
        concurrency,
        output_max: Some(PistonLimits::default().output_max_size),
        ..PistonConfig::new(format!("{}/api/v2", piston.url()))
    };
    let runner = PistonRunner::start(config).await.unwrap();
    let counted = Arc::clone(&piston);
    let alive = move || {
        let ended = counted.executions_ended();
        usize::try_from(counted.executions_begun().saturating_sub(ended)).unwrap()
    };
    RunnerUnderTest {
        runner: Arc::new(runner),
        abilities: Abilities {
            output: OutputFidelity::Text,
            killing: Killing::ByLimits,
            signals: SignalFidelity::ShellCode,
        },
        alive: Box::new(alive),
        guard: Box::new(piston),
    }
}

mod code_runner {
    coderun_conformance::code_runner_tests!(super::runner);
}

/// The program that finds out how much output is kept, on a Piston as it comes and on one that keeps more.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_the_output_is_found_out() {
    for kept in [ByteSize::from_kib(1), ByteSize::from_kib(16)] {
        let piston = PistonStandin::start(StandinOptions {
            limits: PistonLimits {
                output_max_size: kept,
                ..PistonLimits::default()
            },
            ..options()
        });
        let piston = piston.await.unwrap();
        let config = PistonConfig::new(format!("{}/api/v2", piston.url()));
        let runner = PistonRunner::start(config).await.unwrap();
        let output_max = || {
            use coderun_domain::CodeRunner as _;
            runner
                .maximum_limits()
                .map(|maximum| maximum.storage.output())
        };
        let found = tokio::time::timeout(std::time::Duration::from_secs(20), async {
            loop {
                match output_max() {
                    Some(found) if found < ByteSize::from_mib(1024) => return found,
                    Some(_) | None => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                }
            }
        });
        // Pieces that are read together on a busy machine make it less, and never more.
        let found = found.await.unwrap();
        assert!(
            found <= kept && found >= ByteSize::from_bytes(64),
            "{found} of {kept}"
        );
        assert_eq!(piston.executions_begun(), 1);
    }
}
