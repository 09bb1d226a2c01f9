//! Tries the languages of the sandbox in the background, so that none is offered that does not run.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{ErrorChain, RunnerError, SubmissionPolicy};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::example::{self, shortened};
use super::offered_languages::{Finding, OfferedLanguages};
use super::stage_runner::StageRunner;
use crate::config::SandboxConfig;
use crate::slots::Slots;
use crate::toolchain::{self, Toolchain};

/// The pause between two looks for tools whose trial is due, or whose files have changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// The longest wait for a slot of the trials' own, which a trial before has left.
const SLOT_WAIT: Duration = Duration::from_secs(10);
/// How many examples run at a time at the start; later it is one.
pub(super) const TRIALS_MAX: u32 = 2;

/// Runs the examples of languages, in slots of their own: no user's program waits for one of them.
#[derive(Debug)]
pub(super) struct LanguageTrials {
    pub(super) languages: Arc<OfferedLanguages>,
    pub(super) stages: Arc<StageRunner>,
    /// The slots of users' programs: while none is free, no example is begun.
    pub(super) users_slots: Arc<Slots>,
    pub(super) slots: Slots,
    pub(super) policy: SubmissionPolicy,
    pub(super) probing: Arc<Mutex<()>>,
    /// Where tools are looked for, and how often.
    pub(super) config: SandboxConfig,
    pub(super) interval: Duration,
}

impl LanguageTrials {
    /// Tries all languages, and then each that is due, for ever.
    pub(super) async fn run(self) {
        tokio::join!(self.try_due(), self.try_due());
        let mut looked_at = Instant::now();
        loop {
            tokio::select! {
                () = sleep(LOOK_INTERVAL) => {}
                () = self.languages.wake.notified() => {}
            }
            if looked_at.elapsed() >= self.interval {
                self.look_for_tools().await;
                looked_at = Instant::now();
            }
            self.look_for_changes().await;
            self.try_due().await;
        }
    }

    /// Finds tools that were installed or removed.
    async fn look_for_tools(&self) {
        self.users_slots.wait_for_free().await;
        let found = toolchain::discover(&self.config).await;
        self.stages.show(toolchain::extra_paths(&found.toolchains));
        self.languages.replace(found);
    }

    async fn look_for_changes(&self) {
        let languages = Arc::clone(&self.languages);
        let look = tokio::task::spawn_blocking(move || languages.look_for_changes());
        if let Err(error) = look.await {
            tracing::error!(%error, "cannot look for changed toolchains");
        }
    }

    async fn try_due(&self) {
        while let Some(due) = self.languages.take_due() {
            let finding = self.finding(&due.toolchain).await;
            self.languages.record(&due, finding);
        }
    }

    async fn finding(&self, toolchain: &Toolchain) -> Finding {
        self.users_slots.wait_for_free().await;
        let Some(slot) = self.slots.take(SLOT_WAIT).await else {
            return Finding::Undecided;
        };
        match example::run(&self.stages, toolchain, &self.policy, slot).await {
            Ok(None) => Finding::Runs,
            Ok(Some(reason)) => Finding::Fails(reason),
            Err(error) if self.sandbox_works().await => {
                Finding::Fails(not_started(toolchain, &error))
            }
            Err(_) => Finding::Undecided,
        }
    }

    /// Whether another program can be run, so that it is the language that fails.
    async fn sandbox_works(&self) -> bool {
        let _turn = self.probing.lock().await;
        match self.slots.take(SLOT_WAIT).await {
            Some(slot) => self.stages.probe(&Arc::new(slot)).await.is_ok(),
            None => false,
        }
    }
}

/// Why a program of a language could not be started in a sandbox that works.
fn not_started(toolchain: &Toolchain, error: &RunnerError) -> String {
    let reason = match error {
        RunnerError::Unavailable { reason, .. } => reason.clone(),
        RunnerError::Unsupported { .. }
        | RunnerError::Overloaded { .. }
        | RunnerError::Broken { .. } => ErrorChain(error).to_string(),
    };
    format!(
        "`{}` cannot be started in the sandbox, which shows the system's folders and those of the tool alone: {}",
        toolchain.program,
        shortened(&reason)
    )
}
