//! Checks the dependencies of the service, for the readiness probe.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    CodeRunner, Diagnosis, ExecutionQueue, ExecutionStore, Health, TokenVerifier,
    UnavailableLanguage,
};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Fleet;
use crate::outage::{Outage, OutageLog};

/// The time for which results are reused, so that frequent probes do not load the dependencies.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// The time after which a check without an answer fails.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The time after the start for which the service is not ready while languages are still being checked.
const FIRST_LANGUAGE_CHECKS_MAX: Duration = Duration::from_secs(5);
/// The name of all checks in the log.
const OPERATION: &str = "check the readiness";

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    /// The dependency works.
    Ok,
    /// The dependency works, with a limitation that `reason` names.
    Degraded,
    /// The dependency does not work, so neither does the service.
    Failing,
}

impl CheckStatus {
    /// The word for the status, as the API shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

/// The check of one dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The name of the dependency: `store`, `queue`, `runner`, `keys`, or of the runner of this process `limits` for the means
    /// by which it holds them, and `languages` for whether they run.
    pub name: &'static str,
    /// The result.
    pub status: CheckStatus,
    /// The time that it took to answer.
    pub latency: Duration,
    /// The problem in one sentence, free of secrets.
    pub reason: Option<String>,
}

/// The runners of submitted programs.
#[derive(Debug, Clone)]
pub enum Runners {
    /// The runner of this process.
    Own(Arc<dyn CodeRunner>),
    /// The workers in the registry.
    Fleet(Arc<Fleet>),
}

/// The dependencies to check; `None` for those that this process does not use.
#[derive(Debug, Clone)]
pub struct ReadinessPorts {
    /// Keeps executions.
    pub store: Arc<dyn ExecutionStore>,
    /// Hands executions to workers.
    pub queue: Arc<dyn ExecutionQueue>,
    /// Runs programs.
    pub runners: Option<Runners>,
    /// Verifies tokens.
    pub verifier: Option<Arc<dyn TokenVerifier>>,
}

/// Checks whether the service would work now.
#[derive(Debug)]
pub struct Readiness {
    ports: ReadinessPorts,
    notes: Vec<Note>,
    draining: CancellationToken,
    started: Instant,
    /// The failures of all checks.
    outage: Outage,
    cached: Mutex<Option<(Instant, Vec<Check>)>>,
}

/// Something about a dependency that an operator should know.
#[derive(Debug)]
struct Note {
    dependency: &'static str,
    text: String,
}

impl Readiness {
    /// Checks of these dependencies; `draining` is cancelled when the shutdown begins.
    #[must_use]
    pub fn new(ports: ReadinessPorts, draining: CancellationToken) -> Self {
        Self {
            ports,
            notes: Vec::new(),
            draining,
            started: Instant::now(),
            outage: OutageLog::default().of(OPERATION),
            cached: Mutex::new(None),
        }
    }

    /// The same with a log of failures that it shares with other work.
    #[must_use]
    pub fn with_outages(self, outages: &OutageLog) -> Self {
        Self {
            outage: outages.of(OPERATION),
            ..self
        }
    }

    /// Adds a note about a dependency, whose check is then at best [`CheckStatus::Degraded`].
    #[must_use]
    pub fn with_note(mut self, dependency: &'static str, note: impl Into<String>) -> Self {
        let text = note.into();
        self.notes.push(Note { dependency, text });
        self
    }

    /// Whether the service is shutting down and takes no new work.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Checks every dependency, unless that was done within the last second. Takes two seconds at most.
    pub async fn checks(&self) -> Vec<Check> {
        let mut cached = self.cached.lock().await;
        if let Some((at, checks)) = cached.as_ref()
            && at.elapsed() < CACHE_TTL
        {
            return checks.clone();
        }
        let checks = self.check_all().await;
        *cached = Some((Instant::now(), checks.clone()));
        checks
    }

    async fn check_all(&self) -> Vec<Check> {
        let ports = &self.ports;
        let store = async { ports.store.check().await.map_err(|it| self.explain(&it)) };
        let queue = async { ports.queue.check().await.map_err(|it| self.explain(&it)) };
        let mut checks = vec![
            self.check("store", store).boxed(),
            self.check("queue", queue).boxed(),
        ];
        if let Some(runners) = &ports.runners {
            let runner = async {
                match runners {
                    Runners::Own(runner) => self.health(runner.check().await),
                    Runners::Fleet(fleet) => self.health(fleet.refresh().await),
                }
            };
            checks.push(self.check("runner", runner).boxed());
        }
        if let Some(verifier) = &ports.verifier {
            let keys = async { self.health(verifier.check().await) };
            checks.push(self.check("keys", keys).boxed());
        }
        let mut checks = join_all(checks).await;
        if checks.iter().all(|it| it.status != CheckStatus::Failing) {
            self.outage.note_success();
        }
        if let Some(Runners::Own(runner)) = &ports.runners {
            checks.extend(limits(runner.as_ref()));
            checks.extend(self.languages(runner.as_ref()));
        }
        checks
    }

    async fn check(
        &self,
        name: &'static str,
        check: impl Future<Output = Result<Health, String>> + Send,
    ) -> Check {
        let started = Instant::now();
        let result = tokio::time::timeout(CHECK_TIMEOUT, check)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())));
        let note = self.notes.iter().find(|note| note.dependency == name);
        let (status, reason) = match (result, note) {
            (Err(reason), _) => (CheckStatus::Failing, Some(reason)),
            // The limit of the moment matters more than a permanent note.
            (Ok(Health::Limited { reason }), _) => (CheckStatus::Degraded, Some(reason)),
            (Ok(Health::Good), Some(note)) => (CheckStatus::Degraded, Some(note.text.clone())),
            (Ok(Health::Good), None) => (CheckStatus::Ok, None),
        };
        Check {
            name,
            status,
            latency: started.elapsed(),
            reason,
        }
    }

    /// The health of a dependency that either works or fails.
    fn health<E: Error + 'static>(&self, answer: Result<(), E>) -> Result<Health, String> {
        answer
            .map(|()| Health::Good)
            .map_err(|it| self.explain(&it))
    }

    /// Logs the error with its causes, and returns its own text and its diagnosis alone: other causes may hold secrets.
    fn explain(&self, error: &(dyn Error + 'static)) -> String {
        self.outage.note_failure(error);
        match Diagnosis::of(error) {
            Some(diagnosis) => format!("{error}: {diagnosis}"),
            None => error.to_string(),
        }
    }

    /// Whether the languages of the runner run, where it checks that.
    fn languages(&self, runner: &dyn CodeRunner) -> Option<Check> {
        let unavailable = runner.unavailable_languages()?;
        let is_starting = self.started.elapsed() < FIRST_LANGUAGE_CHECKS_MAX
            && unavailable
                .iter()
                .any(UnavailableLanguage::is_being_checked);
        let status = if unavailable.is_empty() {
            CheckStatus::Ok
        } else if is_starting || runner.languages().is_empty() {
            CheckStatus::Failing
        } else {
            CheckStatus::Degraded
        };
        Some(Check {
            name: "languages",
            status,
            latency: Duration::ZERO,
            reason: (!unavailable.is_empty()).then(|| reasons(&unavailable)),
        })
    }
}

/// How the runner holds its limits, where it says so.
fn limits(runner: &dyn CodeRunner) -> Option<Check> {
    let health = runner.limits_health()?;
    let means = runner.profile().enforcement.memory.unwrap_or_default();
    let (status, reason) = match health {
        Health::Good => (CheckStatus::Ok, means),
        Health::Limited { reason } => (CheckStatus::Degraded, format!("{means}; {reason}")),
    };
    Some(Check {
        name: "limits",
        status,
        latency: Duration::ZERO,
        reason: Some(reason),
    })
}

/// What fails, each with its reason, and then the names of all that is still being checked.
fn reasons(unavailable: &[UnavailableLanguage]) -> String {
    let (checked, failing): (Vec<_>, Vec<_>) =
        unavailable.iter().partition(|it| it.is_being_checked());
    let mut reasons: Vec<String> = failing.into_iter().map(ToString::to_string).collect();
    if !checked.is_empty() {
        let names: Vec<_> = checked.into_iter().map(UnavailableLanguage::name).collect();
        reasons.push(format!("still being checked: {}", names.join(", ")));
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests;
