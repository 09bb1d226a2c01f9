//! Tests that the sandbox keeps the contract of runners.

use std::sync::Arc;
use std::time::Duration;

use coderun_conformance::{Abilities, Killing, OutputFidelity, RunnerUnderTest, SignalFidelity};
use coderun_domain::CodeRunner;

use crate::support::{TestSandbox, sandboxes};

async fn runner(slots: usize) -> RunnerUnderTest {
    let sandbox = TestSandbox::with(|config| {
        config.slots = slots;
        config.slot_wait = Duration::from_secs(3);
    })
    .await;
    RunnerUnderTest {
        runner: Arc::clone(&sandbox.runner) as Arc<dyn CodeRunner>,
        abilities: Abilities {
            output: OutputFidelity::Bytes,
            killing: Killing::AtOnce,
            signals: SignalFidelity::Signal,
        },
        running_programs: Box::new(|| sandboxes().len()),
        lost_answers: None,
        guard: Box::new(sandbox),
    }
}

coderun_conformance::code_runner_tests!(runner);
