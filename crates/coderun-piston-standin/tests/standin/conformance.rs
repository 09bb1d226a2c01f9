//! Runs the contract of runners on the runner for Piston.
//!
//! The tests live here because the sandbox's launcher is this crate's own program.

use std::sync::Arc;

use coderun_conformance::{
    Abilities, Killing, LostAnswers, OutputFidelity, RunnerUnderTest, SignalFidelity,
};
use coderun_piston_standin::{Behavior, PistonStandin, Reply, StandinOptions};
use coderun_runner_http::{HttpRunner, HttpRunnerConfig, PistonConfig};

use crate::support::sandbox;

async fn runner(concurrency: usize) -> RunnerUnderTest {
    let options = StandinOptions {
        sandbox: Some(sandbox()),
        ..StandinOptions::default()
    };
    let piston = Arc::new(PistonStandin::start(options).await.unwrap());
    let config = HttpRunnerConfig {
        concurrency,
        ..HttpRunnerConfig::new(piston.api_url())
    };
    let stock = PistonConfig::default();
    let runner = HttpRunner::piston(config, stock).await.unwrap();
    let [observed, losing, counted] = std::array::from_fn(|_| Arc::clone(&piston));
    RunnerUnderTest {
        runner: Arc::new(runner),
        abilities: Abilities {
            output: OutputFidelity::Text,
            killing: Killing::ByLimits,
            signals: SignalFidelity::ShellCode,
        },
        running_programs: Box::new(move || observed.running()),
        lost_answers: Some(LostAnswers {
            lose_next: Box::new(move || losing.script([Behavior::RunThenReply(Reply::reset())])),
            programs_sent: Box::new(move || counted.programs().len()),
        }),
        guard: Box::new(piston),
    }
}

coderun_conformance::code_runner_tests!(runner);
