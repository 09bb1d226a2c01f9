//! Keeps what is known of each tool: whether its example ran when that was last tried, and when to try it again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Language, UnavailableCause, UnavailableLanguage};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::file_identity::FileIdentity;
use crate::toolchain::{self, Discovery, Toolchain};

/// The time after which a tool that failed is tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_mins(1);
/// The least time between two trials of a tool, however often runs fail.
const PAUSE_MIN: Duration = Duration::from_secs(10);

/// The languages of a runner, of which only those are offered that are not known to fail.
#[derive(Debug)]
pub(super) struct OfferedLanguages {
    tools: Mutex<Vec<Tool>>,
    offered: Mutex<Arc<[Toolchain]>>,
    /// Tools that the operator names and that do not answer.
    missing: Mutex<Vec<UnavailableLanguage>>,
    interval: Duration,
    /// Whether each tool was tried once in each version.
    is_settled: watch::Sender<bool>,
    /// Wakes the trials when a tool is due at once.
    pub(super) wake: Notify,
}

/// A tool in one version of its language, with its trials.
#[derive(Debug)]
struct Tool {
    toolchain: Toolchain,
    /// Whether the tool has an earlier version of the language, which is tried first.
    is_further_version: bool,
    /// Whether a submission waits for its first trial, which comes before all others then.
    is_wanted: bool,
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

    /// Why a language is not offered; `None` if it is.
    fn cause(&self) -> Option<UnavailableCause> {
        match self {
            Self::Runs | Self::Undecided => None,
            Self::Unknown => Some(UnavailableCause::BeingChecked),
            Self::Fails(reason) => Some(UnavailableCause::Failing(reason.clone())),
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
    pub(super) fn untried(found: Discovery) -> Self {
        Self::new(found, &Finding::Undecided, None, Duration::MAX)
    }

    /// Languages that are offered after a trial, which is repeated at this interval.
    pub(super) fn to_try(found: Discovery, interval: Duration) -> Self {
        Self::new(found, &Finding::Unknown, Some(Instant::now()), interval)
    }

    fn new(found: Discovery, finding: &Finding, due: Option<Instant>, interval: Duration) -> Self {
        let languages = Self {
            tools: Mutex::new(tools(&found.toolchains, finding, due)),
            offered: Mutex::new(Arc::new([])),
            missing: Mutex::new(found.missing),
            interval,
            is_settled: watch::Sender::new(false),
            wake: Notify::new(),
        };
        languages.refresh();
        languages
    }

    /// Takes over the tools that were found now: new ones are to be tried, those that are gone are forgotten. No trial may run.
    pub(super) fn replace(&self, found: Discovery) {
        let mut known = self.tools.lock();
        let now = Some(Instant::now());
        let mut before = std::mem::take(&mut *known);
        for tool in tools(&found.toolchains, &Finding::Unknown, now) {
            let same = before
                .iter()
                .position(|it| it.toolchain.is_same(&tool.toolchain));
            known.push(same.map_or(tool, |index| before.swap_remove(index)));
        }
        drop(known);
        *self.missing.lock() = found.missing;
        self.refresh();
    }

    /// The toolchains that are offered now.
    pub(super) fn offered(&self) -> Arc<[Toolchain]> {
        Arc::clone(&self.offered.lock())
    }

    /// Waits until each tool was tried once in each version.
    pub(super) async fn settled(&self) {
        // The sender lives as long as this.
        let _ = self
            .is_settled
            .subscribe()
            .wait_for(|is_settled| *is_settled)
            .await;
    }

    /// The languages that are not offered although there is a tool, and why.
    pub(super) fn unavailable(&self) -> Vec<UnavailableLanguage> {
        let tools = self.tools.lock();
        let unavailable = tools.iter().filter_map(|tool| {
            Some(UnavailableLanguage {
                cause: tool.finding.cause()?,
                language: tool.toolchain.language.clone(),
                aliases: tool.toolchain.entry.aliases.clone(),
                version: tool.toolchain.version.clone(),
            })
        });
        let missing = self.missing.lock();
        unavailable.chain(missing.iter().cloned()).collect()
    }

    /// The tool for a version of a language. A version that is not tried yet is run: another worker has offered it.
    pub(super) fn find(&self, language: &Language, version: Option<&str>) -> Option<Toolchain> {
        let tools = self.tools.lock();
        let mut unknown = tools.iter().filter(|tool| tool.finding == Finding::Unknown);
        let is_meant = |tool: &&Tool| {
            let toolchain = &tool.toolchain;
            toolchain.language == *language
                && version.is_some()
                && toolchain.version.as_deref() == version
        };
        let untried = unknown.find(is_meant).map(|tool| tool.toolchain.clone());
        untried.or_else(|| toolchain::find(&self.offered(), language, version).cloned())
    }

    /// A tool whose trial is due. The next one is due after the interval.
    pub(super) fn take_due(&self) -> Option<Due> {
        let now = Instant::now();
        let mut tools = self.tools.lock();
        // The first version of a tool is the default, so no other may be offered before it is known.
        let mut is_first_known = false;
        let due = tools.iter_mut().enumerate().filter(|(_, tool)| {
            if !tool.is_further_version {
                is_first_known = tool.finding != Finding::Unknown;
            }
            let is_next = is_first_known || !tool.is_further_version;
            is_next && tool.due.is_some_and(|due| due <= now)
        });
        let order = |tool: &Tool| (!tool.is_wanted, tool.is_further_version);
        let (index, tool) = due.min_by_key(|(_, tool)| order(tool))?;
        tool.is_wanted = false;
        tool.due = now.checked_add(self.interval);
        tool.tried_at = Some(now);
        let toolchain = tool.toolchain.clone();
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

    /// Has a language, in one version if one is named, tried before others unless it was tried already.
    pub(super) fn check_next(&self, language: &Language, version: Option<&str>) {
        for tool in self.tools.lock().iter_mut() {
            let is_meant = version.is_none() || tool.toolchain.version.as_deref() == version;
            if tool.toolchain.language == *language && (is_meant || !tool.is_further_version) {
                tool.is_wanted = tool.finding == Finding::Unknown;
            }
        }
    }

    /// Has the tools of a language tried soon, because a run of it failed.
    pub(super) fn request(&self, language: &Language) {
        let now = Instant::now();
        for tool in self.tools.lock().iter_mut() {
            if tool.toolchain.language == *language {
                tool.make_due(now);
            }
        }
        self.wake.notify_one();
    }

    /// Has all tools tried whose files have changed. Blocks for some microseconds a tool.
    pub(super) fn look_for_changes(&self) {
        let now = Instant::now();
        for tool in self.tools.lock().iter_mut() {
            let files = identities(&tool.toolchain);
            if tool.files != files {
                tool.files = files;
                tool.make_due(now);
            }
        }
    }

    fn refresh(&self) {
        let tools = self.tools.lock();
        let offered = tools.iter().filter(|tool| tool.finding.is_offered());
        *self.offered.lock() = offered.map(|tool| tool.toolchain.clone()).collect();
        let is_settled = !tools.iter().any(|tool| tool.finding == Finding::Unknown);
        self.is_settled.send_replace(is_settled);
    }
}

/// The tools of these toolchains. The versions of a language that one tool has follow each other.
fn tools(toolchains: &[Toolchain], finding: &Finding, due: Option<Instant>) -> Vec<Tool> {
    let is_same = |a: &Toolchain, b: &Toolchain| a.language == b.language && a.program == b.program;
    let mut before = None;
    let tools = toolchains.iter().map(|toolchain| Tool {
        is_further_version: before
            .replace(toolchain)
            .is_some_and(|before| is_same(before, toolchain)),
        toolchain: toolchain.clone(),
        is_wanted: false,
        finding: finding.clone(),
        tried_at: None,
        due,
        files: identities(toolchain),
    });
    tools.collect()
}

impl Tool {
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
                log_failure(&self.toolchain, reason);
            }
            (Finding::Fails(_), Finding::Runs) => log_recovery(&self.toolchain),
            _ => {}
        }
    }
}

fn log_failure(toolchain: &Toolchain, reason: &str) {
    let (language, version) = (&toolchain.language, &toolchain.version);
    tracing::warn!(%language, version, reason, "language does not run and is not offered");
}

fn log_recovery(toolchain: &Toolchain) {
    let (language, version) = (&toolchain.language, &toolchain.version);
    tracing::info!(%language, version, "language runs again and is offered");
}

/// The files and folders that the tool needs, as they are now: one that is gone is `None`.
fn identities(tool: &Toolchain) -> Vec<Option<FileIdentity>> {
    let named = [&tool.program].into_iter().chain(tool.parts.values());
    let shown = tool.extra_paths.iter().map(AsRef::as_ref);
    named
        .map(Path::new)
        .chain(shown)
        .map(FileIdentity::of)
        .collect()
}

#[cfg(test)]
mod tests;
