//! Runs stages on this machine, and records what they show about the health of the sandbox.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coderun_domain::{Enforcement, RunIo, RunnerError, StageLimits, Verdict};

use super::enforcement;
use super::errors::{broken, not_started, stage_failed, unavailable};
use super::input::Input;
use super::judge::{Judgement, judge};
use super::machine::Machine;
use super::probe::{NoIo, Probe};
use super::pump::{OutputSink, Pump};
use super::specs;
use super::stage::{self, StagePlan};
use super::streams::Streams;
use super::supervise::{StageEnd, StageError, StageSignals, supervise};
use crate::slots::Slot;

/// Runs stages on this machine.
#[derive(Debug)]
pub(super) struct StageRunner {
    machine: Arc<Machine>,
    health: Health,
}

/// The health of the sandbox, as the stages so far have shown it.
#[derive(Debug, Default)]
struct Health {
    /// The last stage ended by the launcher's failure, or a trial has begun and not ended.
    is_doubtful: AtomicBool,
    /// Landlock was in force in a stage, and so it is in all: the kernel has it.
    has_landlock: AtomicBool,
}

impl StageRunner {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine: Arc::new(machine),
            health: Health::default(),
        }
    }

    /// Whether control groups limit and count what a stage uses.
    pub(super) fn has_groups(&self) -> bool {
        self.machine.groups.version().is_some()
    }

    /// Whether the last stage gives reason to doubt that a sandbox can be built.
    pub(super) fn is_doubtful(&self) -> bool {
        self.health.is_doubtful.load(Ordering::Relaxed)
    }

    /// The controls in force.
    pub(super) fn enforcement(&self) -> Enforcement {
        let has_landlock = self.health.has_landlock.load(Ordering::Relaxed);
        enforcement::of(self.machine.groups.version(), has_landlock)
    }

    /// Records what the end of a stage shows, and replaces a launcher that hangs.
    fn record(&self, end: &Result<StageEnd, StageError>) {
        match end {
            Ok(end) => {
                self.health.is_doubtful.store(false, Ordering::Relaxed);
                if end.program.is_some_and(|program| program.landlock) {
                    self.health.has_landlock.store(true, Ordering::Relaxed);
                }
            }
            Err(error) => {
                self.health.is_doubtful.store(true, Ordering::Relaxed);
                if error.launcher_hangs() {
                    let machine = Arc::clone(&self.machine);
                    // It takes as long as the kernel needs to kill, and nothing depends on its end.
                    let replacing = move || machine.launcher.replace();
                    drop(tokio::task::spawn_blocking(replacing));
                }
            }
        }
    }

    /// Builds a sandbox and runs `true` in it.
    pub(super) async fn probe(&self, slot: &Arc<Slot>) -> Result<(), RunnerError> {
        // A trial that does not end leaves the doubt behind.
        self.health.is_doubtful.store(true, Ordering::Relaxed);
        let probe = Probe::new().map_err(|error| broken(Box::new(error)))?;
        let plan = StagePlan {
            spec: specs::probe(&probe.stage, &probe.storage),
            contents: Vec::new(),
            group: specs::group_limits(&probe.stage),
            artefact_in: None,
            wants_artefact: false,
        };
        let io = StageIo {
            io: &mut NoIo,
            input: &mut Input::none(),
            sink: &mut OutputSink::program(probe.storage.output()),
        };
        let result = Box::pin(self.run(slot, plan, &probe.stage, io)).await?;
        let verdict = result.judgement.verdict;
        if verdict != Verdict::Accepted {
            return Err(unavailable(format!(
                "a sandbox was built, but `true` ended in it with `{verdict}`"
            )));
        }
        Ok(())
    }

    /// Runs one stage to its end.
    pub(super) async fn run(
        &self,
        slot: &Arc<Slot>,
        plan: StagePlan,
        limits: &StageLimits,
        stage_io: StageIo<'_, '_>,
    ) -> Result<StageResult, RunnerError> {
        let machine = Arc::clone(&self.machine);
        let slot = Arc::clone(slot);
        let started = tokio::task::spawn_blocking(move || stage::start(&machine, &slot, plan));
        let started = started
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(not_started)?;
        let streams = Streams::new(started.stdin, started.stdout, started.stderr);
        let streams = streams.map_err(|error| broken(Box::new(error)))?;
        let streams = match stage_io.sink {
            OutputSink::Program { .. } => streams,
            OutputSink::Compiler { .. } => streams.without_stdin(),
        };
        let signals = StageSignals::new();
        let pump = Pump {
            io: stage_io.io,
            input: stage_io.input,
            sink: stage_io.sink,
            signals: &signals,
        };
        let guard = started.guard;
        let (end, ()) = tokio::join!(
            supervise(&guard, started.socket, limits, &signals),
            pump.run(streams)
        );
        self.record(&end);
        let end = end.map_err(stage_failed)?;
        let counted = guard.usage();
        // The run does not wait for it. There are never more such tasks than stages, whose slots they keep.
        drop(tokio::task::spawn_blocking(move || guard.finish()));
        if end.program.is_none() && end.stopped.is_none() && counted.memory_kills == 0 {
            return Err(broken(
                "the first process of the sandbox ended without a report".into(),
            ));
        }
        Ok(StageResult {
            judgement: judge(&end, counted, limits),
            artefact: started.artefact,
        })
    }
}

/// The two sides of a stage's streams.
pub(super) struct StageIo<'a, 'io> {
    pub(super) io: &'a mut (dyn RunIo + 'io),
    pub(super) input: &'a mut Input,
    pub(super) sink: &'a mut OutputSink,
}

/// The result of a stage.
pub(super) struct StageResult {
    pub(super) judgement: Judgement,
    pub(super) artefact: Option<OwnedFd>,
}
