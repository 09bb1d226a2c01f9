//! The port's implementation: from a submission through one or two stages to a report.

mod enforcement;
mod errors;
mod execution;
mod input;
mod judge;
mod orders;
mod probe;
mod pump;
mod reader_watch;
mod stage;
mod streams;
mod supervise;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    CodeRunner, Enforcement, LanguageSpec, Limits, Report, RunIo, RunRequest, RunnerError,
    RunnerProfile, StageLimits, Usage, Verdict,
};

use crate::cgroup::Groups;
use crate::config::{Control, SandboxConfig};
use crate::launcher_process::LauncherProcess;
use crate::slots::{Slot, Slots};
use crate::toolchain::{self, Toolchain};
pub use errors::StartError;
use errors::{broken, not_started, stage_failed, unavailable};
use execution::Execution;
use input::Input;
use judge::{Judgement, judge};
use probe::{NoIo, Probe};
use pump::{Pump, Sink};
use stage::StagePlan;
use streams::Streams;
use supervise::{StageEnd, StageError, StageSignals, supervise};

/// The word that results carry.
const NAME: &str = "sandbox";

/// Runs programs in namespaces of their own on this machine.
///
/// Never runs a program without isolation: where the sandbox cannot be built, every call answers
/// [`RunnerError::Unavailable`] with what is missing.
///
/// Programs can be talked with. That one waits for input is noticed some hundredths of a second after it has begun to read;
/// not of one that first asks whether there is something to read, as Node's event loop does, and nowhere if the kernel does
/// not let the service look at its programs. Programs in C and C++ show prompts as on a terminal where coreutils are
/// installed, unless they are linked statically or buffer by themselves.
#[derive(Debug)]
pub struct SandboxRunner {
    machine: Arc<Machine>,
    slots: Slots,
    slot_wait: Duration,
    toolchains: Vec<Toolchain>,
    required: Vec<Control>,
    health: Health,
}

/// What runs have shown about the sandbox so far.
#[derive(Debug, Default)]
struct Health {
    /// The last stage that ended did so by the launcher's failure, or a trial has begun and not ended.
    is_doubtful: AtomicBool,
    /// Held by whoever tries whether a sandbox can be built.
    trial: tokio::sync::Mutex<()>,
    /// Landlock was in force in a stage, and so it is in all: the kernel has it.
    has_landlock: AtomicBool,
}

/// What all runs share.
#[derive(Debug)]
struct Machine {
    launcher: LauncherProcess,
    groups: Groups,
    first_id: Option<u32>,
}

impl Machine {
    /// The id outside that a slot's user is; `None` where the service may only use its own.
    fn outside_id(&self, slot: &Slot) -> Option<u32> {
        self.first_id
            .map(|first| first.saturating_add(slot.number()))
    }
}

impl SandboxRunner {
    /// Looks for toolchains and for what the machine offers. Starts nothing yet.
    ///
    /// Succeeds even where no sandbox can be built, so that a service can start and say so: see
    /// [`CodeRunner::check`].
    ///
    /// # Errors
    /// [`StartError`] when the machine cannot even be looked at.
    pub async fn start(config: SandboxConfig) -> Result<Self, StartError> {
        let toolchains = toolchain::discover(&config).await;
        let control_groups = config.control_groups;
        let groups = tokio::task::spawn_blocking(move || Groups::probe(control_groups))
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(StartError)?;
        let is_root = rustix::process::geteuid().is_root();
        Ok(Self {
            machine: Arc::new(Machine {
                launcher: LauncherProcess::new(config.launcher),
                groups,
                first_id: is_root.then_some(config.first_id),
            }),
            slots: Slots::new(config.slots),
            slot_wait: config.slot_wait,
            toolchains,
            required: config.required,
            health: Health::default(),
        })
    }

    fn check_required(&self) -> Result<(), RunnerError> {
        // All of them come with a control group, or none does.
        match (self.required.first(), self.machine.groups.version()) {
            (None, _) | (_, Some(_)) => Ok(()),
            (Some(control), None) => Err(unavailable(format!(
                "the control `{control:?}` is required, but no control groups can be used: delegate \
                 memory and pids to the service, or take it off the list of required controls"
            ))),
        }
    }

    fn toolchain(&self, request: &RunRequest) -> Result<&Toolchain, RunnerError> {
        let language = request.submission.language();
        let found = self.toolchains.iter().find(|it| it.language == *language);
        found.ok_or_else(|| RunnerError::Unsupported {
            language: language.clone(),
        })
    }

    fn enforcement(&self) -> Enforcement {
        let has_landlock = self.health.has_landlock.load(Ordering::Relaxed);
        enforcement::of(self.machine.groups.version(), has_landlock)
    }

    /// The report on a program that was cancelled before there was a slot for it.
    fn never_begun(&self, toolchain: &Toolchain) -> Report {
        Report {
            verdict: Verdict::Cancelled,
            ending: None,
            usage: Usage::default(),
            compile: None,
            language_version: toolchain.version.clone(),
            runner: NAME.to_owned(),
            enforcement: self.enforcement(),
            hint: None,
        }
    }

    /// Remembers what the end of a stage shows, and replaces a launcher that hangs.
    fn learn(&self, end: &Result<StageEnd, StageError>) {
        match end {
            Ok(end) => {
                self.health.is_doubtful.store(false, Ordering::Relaxed);
                if end.done.is_some_and(|done| done.landlock) {
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

    /// Runs `true`.
    async fn probe(&self, slot: &Arc<Slot>) -> Result<(), RunnerError> {
        let probe = Probe::new().map_err(|error| broken(Box::new(error)))?;
        let plan = StagePlan {
            order: orders::probe(&probe.stage, &probe.storage),
            contents: Vec::new(),
            group: orders::group_limits(&probe.stage),
            artefact_in: None,
            wants_artefact: false,
        };
        let talk = Talk {
            io: &mut NoIo,
            input: &mut Input::none(),
            sink: &mut Sink::program(probe.storage.output()),
        };
        let result = Box::pin(self.run_stage(slot, plan, &probe.stage, talk)).await?;
        let verdict = result.judgement.verdict;
        if verdict != Verdict::Accepted {
            return Err(unavailable(format!(
                "a sandbox was built, but `true` ended in it with `{verdict}`"
            )));
        }
        Ok(())
    }

    /// Runs one stage to its end.
    async fn run_stage(
        &self,
        slot: &Arc<Slot>,
        plan: StagePlan,
        limits: &StageLimits,
        talk: Talk<'_, '_>,
    ) -> Result<StageResult, RunnerError> {
        let machine = Arc::clone(&self.machine);
        let its_slot = Arc::clone(slot);
        let started =
            tokio::task::spawn_blocking(move || stage::start(&machine, &its_slot, plan)).await;
        let started = started
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(not_started)?;
        let streams = Streams::new(started.stdin, started.stdout, started.stderr);
        let streams = streams.map_err(|error| broken(Box::new(error)))?;
        let streams = match talk.sink {
            Sink::Program { .. } => streams,
            Sink::Compiler { .. } => streams.without_stdin(),
        };
        let signals = StageSignals::new();
        let pump = Pump {
            io: talk.io,
            input: talk.input,
            sink: talk.sink,
            signals: &signals,
        };
        let guard = started.guard;
        let (end, ()) = tokio::join!(
            supervise(&guard, started.socket, limits, &signals),
            pump.run(streams)
        );
        self.learn(&end);
        let end = end.map_err(stage_failed)?;
        let counted = guard.usage();
        // Nobody needs to wait for it. There are never more such tasks than stages, whose slots they keep.
        drop(tokio::task::spawn_blocking(move || guard.finish()));
        if end.done.is_none() && end.stopped.is_none() && counted.memory_kills == 0 {
            return Err(broken("the first process of the sandbox vanished".into()));
        }
        Ok(StageResult {
            judgement: judge(&end, counted, limits),
            artefact: started.artefact,
        })
    }
}

/// The two sides of a stage's streams.
struct Talk<'a, 'io> {
    io: &'a mut (dyn RunIo + 'io),
    input: &'a mut Input,
    sink: &'a mut Sink,
}

struct StageResult {
    judgement: Judgement,
    artefact: Option<OwnedFd>,
}

#[async_trait]
impl CodeRunner for SandboxRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: NAME.to_owned(),
            enforcement: self.enforcement(),
            interactive: true,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        self.toolchains.iter().map(Toolchain::spec).collect()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        None
    }

    /// Really builds a sandbox and runs `true` in it. While all slots are busy that is proof enough, unless what was
    /// last heard of the sandbox was bad.
    async fn check(&self) -> Result<(), RunnerError> {
        self.check_required()?;
        // Of two trials at a time the second would find a slot less, and the doubt that the first has not settled yet.
        let _turn = self.health.trial.lock().await;
        if let Some(slot) = self.slots.try_take() {
            // A trial that does not end, or is given up by who asked for it, leaves the doubt behind.
            self.health.is_doubtful.store(true, Ordering::Relaxed);
            return self.probe(&Arc::new(slot)).await;
        }
        if self.health.is_doubtful.load(Ordering::Relaxed) {
            return Err(unavailable(
                "the last sandbox did not end as it should, and all slots are taken".to_owned(),
            ));
        }
        Ok(())
    }

    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        let toolchain = self.toolchain(&request)?;
        self.check_required()?;
        let mut input = Input::of(&request.submission);
        let slot = tokio::select! {
            slot = self.slots.take(self.slot_wait) => slot,
            () = input.until_cancelled(io) => return Ok(self.never_begun(toolchain)),
        };
        let slot = slot.ok_or(RunnerError::Overloaded { retry_after: None })?;
        let execution = Execution {
            runner: self,
            toolchain,
            submission: &request.submission,
            slot: Arc::new(slot),
            input,
        };
        Box::pin(execution.run(io)).await
    }
}
