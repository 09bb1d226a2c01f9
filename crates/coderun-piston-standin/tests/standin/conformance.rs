//! Runs the contract of runners on the runner for Piston.
//!
//! The tests live here because the sandbox's launcher is this crate's own program.

use std::sync::Arc;

use coderun_conformance::{
    Abilities, Killing, LostAnswers, OutputFidelity, RunnerUnderTest, SignalFidelity,
};
use coderun_domain::ByteSize;
use coderun_piston_standin::{Behavior, PistonLimits, PistonStandin, Reply, StandinOptions};
use coderun_runner_http::{PistonConfig, PistonRunner};

use crate::support::sandbox;

async fn runner(concurrency: usize) -> RunnerUnderTest {
    let options = StandinOptions {
        sandbox: Some(sandbox()),
        ..StandinOptions::default()
    };
    let piston = Arc::new(PistonStandin::start(options).await.unwrap());
    let output_max = PistonLimits::STOCK.output_max_size_bytes as u64;
    let config = PistonConfig {
        concurrency,
        output_max: Some(ByteSize::from_bytes(output_max)),
        ..PistonConfig::new(piston.api_url())
    };
    let runner = PistonRunner::start(config).await.unwrap();
    let [observed, losing, counted] = std::array::from_fn(|_| Arc::clone(&piston));
    RunnerUnderTest {
        runner: Arc::new(runner),
        abilities: Abilities {
            output: OutputFidelity::Text,
            killing: Killing::ByLimits,
            signals: SignalFidelity::ShellCode,
        },
        alive: Box::new(move || observed.running()),
        lost_answers: Some(LostAnswers {
            lose_next: Box::new(move || losing.script([Behavior::RunThenReply(Reply::reset())])),
            programs_sent: Box::new(move || counted.programs().len()),
        }),
        guard: Box::new(piston),
    }
}

coderun_conformance::code_runner_tests!(runner);
