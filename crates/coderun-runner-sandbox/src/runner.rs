//! Implements the port: from a submission through one or two stages to a report.

mod compiler_files;
mod errors;
mod example;
mod execution;
mod input;
mod judge;
mod language_trials;
mod offered_languages;
mod pipes;
mod placeholders;
mod plan;
mod probe;
mod pump;
mod refused_resource;
mod report;
mod stage;
mod stage_end;
mod stage_runner;
mod stage_signals;
mod stderr_tail;
mod streams;
mod supervise;
mod wait_detector;
mod waiting_program;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    ByteSize, CodeRunner, Health, LanguageSpec, Limits, Report, RunIo, RunRequest, RunnerError,
    RunnerProfile, Submission, UnavailableLanguage, Verdict,
};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::cgroup::{Groups, ProcessorShare};
use crate::config::{Control, LanguageChecks, SandboxConfig};
use crate::launcher_process::LauncherProcess;
use crate::memory_budget::MemoryBudget;
use crate::processors::{self, Processors};
use crate::slots::Slots;
use crate::toolchain::{self, Toolchain};
use crate::user_ids::UserIds;
pub use errors::StartError;
use errors::unavailable;
use execution::Execution;
use input::Input;
use language_trials::{LanguageTrials, TRIALS_MAX};
use offered_languages::OfferedLanguages;
use stage::Machine;
use stage_runner::StageRunner;

/// Runs programs in namespaces of their own on this machine.
///
/// Never runs a program without isolation: where the sandbox cannot be built, every call answers
/// [`RunnerError::Unavailable`] with what is missing.
///
/// Programs may be interactive. A wait for input is noticed some hundredths of a second after a program has begun to read,
/// or to poll its stdin, unless the kernel does not let the service look at its programs. While the run of a waiting program
/// has no place ([`RunIo::park`]), the program is frozen as soon as it uses more processor time than waiting takes.
///
/// Programs in C and C++ write each line, and a prompt before they read, where coreutils are installed, unless they are
/// linked statically, buffer by themselves, or are to buffer in full.
#[derive(Debug)]
pub struct SandboxRunner {
    stages: Arc<StageRunner>,
    slots: Arc<Slots>,
    slot_wait: Duration,
    memory: MemoryBudget,
    languages: Arc<OfferedLanguages>,
    required: Vec<Control>,
    /// Held while a sandbox is built to probe the machine.
    probing: Arc<tokio::sync::Mutex<()>>,
    /// Stopped when this is dropped.
    trials: JoinSet<()>,
}

impl SandboxRunner {
    /// Looks for toolchains and for what the machine offers, and begins to check languages if it is to: each is offered from
    /// its first successful check on.
    ///
    /// Succeeds even where no sandbox can be built, so that a service can start and say so: see
    /// [`CodeRunner::check`].
    ///
    /// # Errors
    /// [`StartError`] when the machine cannot be inspected.
    pub async fn start(config: SandboxConfig) -> Result<Self, StartError> {
        let found = toolchain::discover(&config).await;
        let control_groups = config.control_groups;
        let share = ProcessorShare::new(
            processors::count(),
            config.busy_slots,
            config.run_millicores,
        );
        let groups = tokio::task::spawn_blocking(move || Groups::probe(control_groups, share))
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(StartError)?;
        let processors = Processors::of_this_process(config.run_millicores);
        let slots = Slots::new(config.slots);
        let is_root = rustix::process::geteuid().is_root();
        let ids = is_root.then(|| UserIds::claim(config.first_id, slots.end() + TRIALS_MAX));
        let extra_paths = toolchain::extra_paths(&found.toolchains);
        let languages = match &config.language_checks {
            None => OfferedLanguages::untried(found),
            Some(checks) => OfferedLanguages::to_try(found, checks.interval),
        };
        let mut runner = Self {
            stages: Arc::new(StageRunner::new(Machine {
                launcher: LauncherProcess::new(
                    config.launcher.clone(),
                    processors.of_one_program(),
                    extra_paths,
                ),
                groups,
                ids,
                processors,
            })),
            slots: Arc::new(slots),
            slot_wait: config.slot_wait,
            memory: config
                .memory_budget
                .map_or_else(MemoryBudget::of_this_machine, MemoryBudget::new),
            languages: Arc::new(languages),
            required: config.required.clone(),
            probing: Arc::default(),
            trials: JoinSet::new(),
        };
        tracing::info!(memory_budget = %runner.memory.total(), "programs together get this much memory");
        if let Some(checks) = &config.language_checks {
            runner.begin_trials(checks, config.clone());
        }
        Ok(runner)
    }

    fn begin_trials(&mut self, checks: &LanguageChecks, config: SandboxConfig) {
        let trials = LanguageTrials {
            languages: Arc::clone(&self.languages),
            stages: Arc::clone(&self.stages),
            users_slots: Arc::clone(&self.slots),
            slots: self.slots.beyond(TRIALS_MAX),
            policy: checks.policy,
            probing: Arc::clone(&self.probing),
            config,
            interval: checks.interval,
        };
        self.trials.spawn(trials.run());
    }

    /// Whether programs may be run as things are.
    fn check_permitted(&self) -> Result<(), RunnerError> {
        self.check_required()?;
        self.slots
            .unusable_because()
            .map_or(Ok(()), |reason| Err(unavailable(reason)))
    }

    fn check_required(&self) -> Result<(), RunnerError> {
        // All of them come with a control group, or none does.
        match self.required.first() {
            Some(control) => match self.stages.groups_missing_because() {
                Some(reason) => Err(unavailable(format!(
                    "the control `{}` is required, but {reason}",
                    control.as_str()
                ))),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    async fn run_with(
        &self,
        toolchain: &Toolchain,
        request: &RunRequest,
        io: &mut (dyn RunIo + '_),
    ) -> Result<Report, RunnerError> {
        let mut input = Input::of(&request.submission);
        let not_run = |verdict| report::not_run(verdict, toolchain, self.stages.enforcement());
        let wanted = memory_of(&request.submission, toolchain);
        if self.memory.is_below(wanted) {
            let (total, hint) = (self.memory.total(), "memory for all programs together");
            return Ok(Report {
                hint: Some(format!(
                    "A memory limit of {wanted} is more than this worker has: {total} of {hint}"
                )),
                ..not_run(Verdict::Rejected)
            });
        }
        let reserve = async {
            let user = request.submission.user();
            let memory = self.memory.reserve(user, wanted, MEMORY_WAIT).await?;
            Some((memory, self.slots.take(self.slot_wait).await?))
        };
        let reserved = tokio::select! {
            reserved = reserve => reserved,
            () = input.until_cancelled(io) => return Ok(not_run(Verdict::Cancelled)),
        };
        let (memory, mut slot) = reserved.ok_or(RunnerError::Overloaded { retry_after: None })?;
        slot.memory = Mutex::new(Some(memory));
        let execution = Execution {
            stages: &self.stages,
            toolchain,
            submission: &request.submission,
            slot: Arc::new(slot),
            input,
        };
        Box::pin(execution.run(io)).await
    }
}

/// The memory that a run needs at most: one stage follows the other.
fn memory_of(submission: &Submission, toolchain: &Toolchain) -> ByteSize {
    let (limits, is_compiled) = (submission.limits(), toolchain.entry.is_compiled());
    let compile = is_compiled.then(|| limits.compile.memory());
    limits.run.memory().max(compile.unwrap_or_default())
}

/// The longest that a run waits for memory: several others, of which most may take a minute, may be before it.
pub const MEMORY_WAIT: Duration = Duration::from_mins(10);

#[async_trait]
impl CodeRunner for SandboxRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: report::NAME.to_owned(),
            enforcement: self.stages.enforcement(),
            interactive: true,
            ignores_buffering: false,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        toolchain::specs(&self.languages.offered())
    }

    fn unavailable_languages(&self) -> Option<Vec<UnavailableLanguage>> {
        Some(self.languages.unavailable())
    }

    fn check_next(&self, language: &UnavailableLanguage) {
        self.languages
            .check_next(&language.language, language.version.as_deref());
    }

    async fn languages_checked(&self) {
        self.languages.settled().await;
    }

    /// Nothing but the memory has a maximum.
    fn maximum_limits(&self) -> Option<Limits> {
        self.memory.as_limits()
    }

    /// Builds a sandbox and runs `true` in it. While all slots are busy that is proof enough, unless the last stage left
    /// the health of the sandbox unknown.
    async fn check(&self) -> Result<(), RunnerError> {
        self.check_permitted()?;
        // Of two probes at a time the second would find one slot less, and a health that the first has not settled yet.
        let _turn = self.probing.lock().await;
        if let Some(slot) = self.slots.try_take() {
            return self.stages.probe(&Arc::new(slot)).await;
        }
        match self.stages.last_failure() {
            Some(reason) => Err(unavailable(format!(
                "all slots are in use, and the last sandbox failed: {reason}"
            ))),
            None => Ok(()),
        }
    }

    /// Without control groups the service adds up what it sees of a program's processes. Without the controller `cpu` alone,
    /// limits hold, but a program with many busy processes takes processor time from others.
    fn limits_health(&self) -> Option<Health> {
        let no_groups = self.stages.groups_missing_because();
        let missing = no_groups.or_else(|| self.stages.no_shares_because());
        Some(missing.map_or(Health::Good, Health::limited))
    }

    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        let language = request.submission.language();
        let toolchain = self.languages.find(language, request.submission.version());
        let toolchain = toolchain.ok_or_else(|| RunnerError::Unsupported {
            language: language.clone(),
        })?;
        self.check_permitted()?;
        let result = self.run_with(&toolchain, &request, io).await;
        if has_failed(&result) {
            self.languages.request(language);
        }
        result
    }
}

/// Whether the service failed, and perhaps because of the language.
fn has_failed(result: &Result<Report, RunnerError>) -> bool {
    match result {
        Ok(report) => report.verdict == Verdict::InternalError,
        Err(RunnerError::Unavailable { .. } | RunnerError::Broken { .. }) => true,
        Err(RunnerError::Unsupported { .. } | RunnerError::Overloaded { .. }) => false,
    }
}
