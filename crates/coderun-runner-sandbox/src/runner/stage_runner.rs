//! Runs stages on this machine, and records what they show about the health of the sandbox.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coderun_domain::{Enforcement, ErrorChain, RunnerError, Verdict};
use parking_lot::Mutex;

use super::errors::{LimitOutside, broken, not_started, stage_failed, unavailable};
use super::input::Input;
use super::judge::{Judgement, judge};
use super::plan::{PROBE_OUTPUT, StagePlan};
use super::probe::NoIo;
use super::pump::{OutputSinks, Pump, StageIo};
use super::report::enforcement;
use super::stage::{self, Machine};
use super::stage_end::{StageEnd, StageError};
use super::stage_signals::{StageSignals, StopReason};
use super::stderr_tail::StderrTail;
use super::streams::Streams;
use super::supervise::supervise;
use crate::launcher_process::Launcher;
use crate::slots::Slot;

/// Runs stages on this machine.
#[derive(Debug)]
pub(super) struct StageRunner {
    machine: Arc<Machine>,
    /// Why the last stage did not show that a sandbox can be built.
    last_failure: Mutex<Option<String>>,
    /// Landlock was in force in a stage, and so it is in all: the kernel has it.
    has_landlock: AtomicBool,
}

impl StageRunner {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine: Arc::new(machine),
            last_failure: Mutex::default(),
            has_landlock: AtomicBool::default(),
        }
    }

    /// Has the programs of new stages see these folders and files of toolchains.
    pub(super) fn show(&self, toolchains: Vec<PathBuf>) {
        self.machine.launcher.show(toolchains);
    }

    /// The reason why no control groups limit and count what a stage uses; `None` where they do.
    pub(super) fn groups_missing_because(&self) -> Option<&str> {
        self.machine.groups.missing_because()
    }

    /// The reason why a program has no promised share of the processors, where groups limit the rest.
    pub(super) fn no_shares_because(&self) -> Option<&str> {
        self.machine.groups.no_shares_because()
    }

    /// The reason why the last stage did not show that a sandbox can be built; `None` if it did.
    pub(super) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().clone()
    }

    /// The controls in force.
    pub(super) fn enforcement(&self) -> Enforcement {
        let has_landlock = self.has_landlock.load(Ordering::Relaxed);
        enforcement(&self.machine.groups, has_landlock)
    }

    /// Records what the end of a stage shows, and replaces a launcher that hangs.
    fn record(&self, end: &Result<StageEnd, StageError>, launcher: Option<&Arc<Launcher>>) {
        let launcher_hangs = match end {
            Ok(end) => {
                *self.last_failure.lock() = None;
                if end.program.is_some_and(|program| program.landlock) {
                    self.has_landlock.store(true, Ordering::Relaxed);
                }
                end.launcher_hangs
            }
            Err(error) => {
                *self.last_failure.lock() = Some(ErrorChain(error).to_string());
                error.launcher_hangs()
            }
        };
        if launcher_hangs && let Some(hung) = launcher.cloned() {
            let machine = Arc::clone(&self.machine);
            // It takes as long as the kernel needs to kill, and nothing depends on its end.
            let replacing = move || machine.launcher.replace(&hung);
            drop(tokio::task::spawn_blocking(replacing));
        }
    }

    /// Builds a sandbox and runs `true` in it.
    pub(super) async fn probe(&self, slot: &Arc<Slot>) -> Result<(), RunnerError> {
        // Unless it ends, nothing is known; but the reason of a failure before says more than that.
        self.last_failure
            .lock()
            .get_or_insert_with(|| "its trial did not end".to_owned());
        let plan = StagePlan::probe().map_err(|error| broken(Box::new(error)))?;
        let io = StageIo {
            client: &mut NoIo,
            input: &mut Input::default(),
            sinks: &mut OutputSinks::client(PROBE_OUTPUT),
        };
        let result = Box::pin(self.run(slot, plan, io)).await?;
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
        io: StageIo<'_, '_>,
    ) -> Result<StageResult, RunnerError> {
        let (limits, is_compilation) = (plan.limits, plan.is_compilation);
        let (machine, own_slot) = (Arc::clone(&self.machine), Arc::clone(slot));
        let started = tokio::task::spawn_blocking(move || stage::start(&machine, &own_slot, plan));
        let started = started
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(not_started)?;
        let mut streams = Streams::new(started.stdio).map_err(|error| broken(Box::new(error)))?;
        if is_compilation {
            streams.withhold_input();
        }
        let signals = StageSignals::new();
        let signals = &signals;
        let pump = Pump {
            io,
            signals,
            slot,
            stderr_tail: StderrTail::default(),
        };
        let guard = started.guard;
        let (end, stderr_tail) = tokio::join!(
            supervise(
                &guard,
                started.socket,
                &limits,
                signals,
                self.machine.usable_processors()
            ),
            pump.run(streams)
        );
        self.record(&end, guard.launcher());
        let end = end.map_err(stage_failed)?;
        let counted = guard.usage();
        if end.is_gone {
            // The run does not wait for it. There are never more such tasks than stages, whose slots they keep.
            drop(tokio::task::spawn_blocking(move || guard.finish()));
        }
        if let Some(limit) = counted.outside.or(end.sampled.outside)
            && end.stopped != Some(StopReason::Cancelled)
        {
            return Err(broken(Box::new(LimitOutside(limit))));
        }
        Ok(StageResult {
            judgement: judge(&end, counted, &limits, &stderr_tail),
            artefact: started.artefact,
        })
    }
}

/// The result of a stage.
pub(super) struct StageResult {
    pub(super) judgement: Judgement,
    pub(super) artefact: Option<OwnedFd>,
}
