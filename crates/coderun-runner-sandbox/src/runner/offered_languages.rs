//! Keeps what is known of each tool: whether its example ran when that was last tried, and when to try it again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Health, Language};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::file_identity::FileIdentity;
use crate::toolchain::Toolchain;

/// The time after which a tool that failed is tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_mins(1);
/// The least time between two trials of a tool, however often runs fail.
const PAUSE_MIN: Duration = Duration::from_secs(10);

/// The languages of a runner, of which only those are offered that are not known to fail.
#[derive(Debug)]
pub(super) struct OfferedLanguages {
    tools: Mutex<Vec<Tool>>,
    offered: Mutex<Arc<[Toolchain]>>,
    interval: Duration,
    /// Whether each tool was tried once.
    is_settled: watch::Sender<bool>,
    /// Wakes the trials when a tool is due at once.
    pub(super) wake: Notify,
}

/// A tool of a language, with its trials.
#[derive(Debug)]
struct Tool {
    /// The tool for each version of the language; not empty.
    toolchains: Vec<Toolchain>,
    finding: Finding,
    tried_at: Option<Instant>,
    due: Option<Instant>,
    /// Of the tool, its helpers, and the files and folders that sandboxes show for it.
    files: Vec<Option<FileIdentity>>,
}

/// The result of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// There was none yet.
    Unknown,
    /// The example ran.
    Runs,
    /// The sandbox failed, which says nothing about the language.
    Undecided,
    /// The example failed, for this reason.
    Fails(String),
}

impl Finding {
    const fn is_offered(&self) -> bool {
        match self {
            Self::Runs | Self::Undecided => true,
            Self::Unknown | Self::Fails(_) => false,
        }
    }
}

/// A tool to be tried.
#[derive(Debug)]
pub(super) struct Due {
    index: usize,
    pub(super) toolchain: Toolchain,
}

impl OfferedLanguages {
    /// Languages that are offered without a trial.
    pub(super) fn untried(toolchains: &[Toolchain]) -> Self {
        Self::new(toolchains, &Finding::Undecided, None, Duration::MAX)
    }

    /// Languages that are offered after a trial, which is repeated at this interval.
    pub(super) fn to_try(toolchains: &[Toolchain], interval: Duration) -> Self {
        Self::new(
            toolchains,
            &Finding::Unknown,
            Some(Instant::now()),
            interval,
        )
    }

    fn new(
        toolchains: &[Toolchain],
        finding: &Finding,
        due: Option<Instant>,
        interval: Duration,
    ) -> Self {
        // The versions of a language that one tool has follow each other.
        let tools = toolchains.chunk_by(|a, b| a.language == b.language && a.program == b.program);
        let tools = tools.map(|toolchains| Tool {
            toolchains: toolchains.to_vec(),
            finding: finding.clone(),
            tried_at: None,
            due,
            files: identities(toolchains),
        });
        let languages = Self {
            tools: Mutex::new(tools.collect()),
            offered: Mutex::new(Arc::new([])),
            interval,
            is_settled: watch::Sender::new(false),
            wake: Notify::new(),
        };
        languages.refresh();
        languages
    }

    /// The toolchains that are offered now.
    pub(super) fn offered(&self) -> Arc<[Toolchain]> {
        Arc::clone(&self.offered.lock())
    }

    /// Waits until each tool was tried once.
    pub(super) async fn settled(&self) {
        // The sender lives as long as this.
        let _ = self
            .is_settled
            .subscribe()
            .wait_for(|is_settled| *is_settled)
            .await;
    }

    /// The languages that are not offered although there is a tool, and why.
    pub(super) fn health(&self) -> Health {
        let tools = self.tools.lock();
        let fails = tools.iter().filter_map(|tool| match &tool.finding {
            Finding::Fails(reason) => Some(format!("{} does not run: {reason}", tool.name())),
            Finding::Unknown => Some(format!("{} is being tried", tool.name())),
            Finding::Runs | Finding::Undecided => None,
        });
        let reasons: Vec<_> = fails.collect();
        if reasons.is_empty() {
            return Health::Good;
        }
        Health::limited(reasons.join("; "))
    }

    /// A tool whose trial is due. The next one is due after the interval.
    pub(super) fn take_due(&self) -> Option<Due> {
        let now = Instant::now();
        let mut tools = self.tools.lock();
        let is_due = |tool: &Tool| tool.due.is_some_and(|due| due <= now);
        let index = tools.iter().position(is_due)?;
        let tool = tools.get_mut(index)?;
        tool.due = now.checked_add(self.interval);
        tool.tried_at = Some(now);
        let toolchain = tool.toolchains.first()?.clone();
        Some(Due { index, toolchain })
    }

    /// Records the result of a trial.
    pub(super) fn record(&self, due: &Due, finding: Finding) {
        if let Some(tool) = self.tools.lock().get_mut(due.index) {
            tool.log_change(&finding);
            if finding != Finding::Runs {
                let pause = PAUSE_AFTER_FAILURE.min(self.interval);
                tool.due = Instant::now().checked_add(pause);
            }
            tool.finding = finding;
        }
        self.refresh();
    }

    /// Has the tools of a language tried soon, because a run of it failed.
    pub(super) fn request(&self, language: &Language) {
        let now = Instant::now();
        for tool in self.tools.lock().iter_mut() {
            if tool.toolchains.iter().any(|it| it.language == *language) {
                tool.make_due(now);
            }
        }
        self.wake.notify_one();
    }

    /// Has all tools tried whose files have changed. Blocks for some microseconds a tool.
    pub(super) fn look_for_changes(&self) {
        let now = Instant::now();
        for tool in self.tools.lock().iter_mut() {
            let files = identities(&tool.toolchains);
            if tool.files != files {
                tool.files = files;
                tool.make_due(now);
            }
        }
    }

    fn refresh(&self) {
        let tools = self.tools.lock();
        let offered = tools.iter().filter(|tool| tool.finding.is_offered());
        *self.offered.lock() = offered.flat_map(|tool| tool.toolchains.clone()).collect();
        let is_settled = !tools.iter().any(|tool| tool.finding == Finding::Unknown);
        self.is_settled.send_replace(is_settled);
    }
}

impl Tool {
    /// The language, with the version where the tool has one alone.
    fn name(&self) -> String {
        match self.toolchains.as_slice() {
            [
                Toolchain {
                    language,
                    version: Some(version),
                    ..
                },
            ] => format!("{language} {version}"),
            [first, ..] => first.language.to_string(),
            [] => String::new(),
        }
    }

    /// A tool that is not tried at all stays so.
    fn make_due(&mut self, now: Instant) {
        if self.due.is_some() {
            let earliest = self.tried_at.map_or(now, |tried_at| tried_at + PAUSE_MIN);
            self.due = Some(earliest.max(now));
        }
    }

    fn log_change(&self, finding: &Finding) {
        match (&self.finding, finding) {
            (before, Finding::Fails(reason)) if before != finding => {
                log_failure(&self.name(), reason);
            }
            (Finding::Fails(_), Finding::Runs) => log_recovery(&self.name()),
            _ => {}
        }
    }
}

fn log_failure(language: &str, reason: &str) {
    tracing::warn!(language, reason, "language does not run and is not offered");
}

fn log_recovery(language: &str) {
    tracing::info!(language, "language runs again and is offered");
}

/// The files and folders that the tool needs, as they are now: one that is gone is `None`.
fn identities(toolchains: &[Toolchain]) -> Vec<Option<FileIdentity>> {
    let first = toolchains.first().into_iter();
    let of_tool = first.flat_map(|tool| {
        let named = [&tool.program].into_iter().chain(tool.parts.values());
        named
            .map(Path::new)
            .chain(tool.extra_paths.iter().map(AsRef::as_ref))
    });
    of_tool.map(FileIdentity::of).collect()
}

#[cfg(test)]
mod tests;
