//! Whether executions would be accepted and run now, dependency by dependency.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    CodeRunner, ErrorChain, ExecutionQueue, ExecutionStore, Health, TokenVerifier,
};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Fleet;

/// Answers are kept for so long, so that frequent probes cost the dependencies nothing.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// A dependency that takes longer to answer fails the check.
const DEADLINE: Duration = Duration::from_secs(2);

/// How well a dependency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    /// It works.
    Ok,
    /// It works, but something about it should be known.
    Degraded,
    /// It does not work, so the service does not.
    Failing,
}

impl CheckStatus {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

/// What was found about one dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which one: `store`, `queue`, `runner` or `keys`.
    pub name: &'static str,
    /// How well it is.
    pub status: CheckStatus,
    /// How long it took to answer.
    pub latency: Duration,
    /// What is wrong, free of secrets.
    pub reason: Option<String>,
}

/// Who runs what is submitted.
#[derive(Debug, Clone)]
pub enum Runners {
    /// This process, with its own runner.
    Own(Arc<dyn CodeRunner>),
    /// The workers, wherever they are.
    Fleet(Arc<Fleet>),
}

impl Runners {
    async fn check(&self) -> Result<Health, String> {
        match self {
            Self::Own(runner) => good(runner.check().await),
            Self::Fleet(fleet) => good(fleet.refresh().await),
        }
    }
}

/// The dependencies that are asked; a role that does not use one leaves it out.
#[derive(Debug, Clone)]
pub struct ReadinessPorts {
    /// Keeps executions.
    pub store: Arc<dyn ExecutionStore>,
    /// Hands them to workers.
    pub queue: Arc<dyn ExecutionQueue>,
    /// Run them.
    pub runners: Option<Runners>,
    /// Knows users.
    pub verifier: Option<Arc<dyn TokenVerifier>>,
}

/// Says whether the service would work now.
#[derive(Debug)]
pub struct Readiness {
    ports: ReadinessPorts,
    notes: Vec<(&'static str, String)>,
    draining: CancellationToken,
    last: Mutex<Option<(Instant, Vec<Check>)>>,
}

impl Readiness {
    /// Readiness of these dependencies; never ready once `draining` is cancelled.
    #[must_use]
    pub fn new(ports: ReadinessPorts, draining: CancellationToken) -> Self {
        Self {
            ports,
            notes: Vec::new(),
            draining,
            last: Mutex::new(None),
        }
    }

    /// Adds what should be known about a dependency: its check is at best [`CheckStatus::Degraded`].
    #[must_use]
    pub fn with_note(mut self, name: &'static str, note: impl Into<String>) -> Self {
        self.notes.push((name, note.into()));
        self
    }

    /// Whether the service is about to end and wants no new work.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Asks every dependency, or answers what was found within the last second. Takes two seconds at most.
    pub async fn checks(&self) -> Vec<Check> {
        let mut last = self.last.lock().await;
        if let Some((at, checks)) = last.as_ref()
            && at.elapsed() < KEPT_FOR
        {
            return checks.clone();
        }
        let checks = self.ask().await;
        *last = Some((Instant::now(), checks.clone()));
        checks
    }

    async fn ask(&self) -> Vec<Check> {
        let ports = &self.ports;
        let store = async { ports.store.check().await.map_err(|error| told(&error)) };
        let queue = async { ports.queue.check().await.map_err(|error| told(&error)) };
        let runner = async {
            match &ports.runners {
                Some(runners) => Some(runners.check().await),
                None => None,
            }
        };
        let keys = async {
            match &ports.verifier {
                Some(verifier) => Some(good(verifier.check().await)),
                None => None,
            }
        };
        let (store, queue, runner, keys) = tokio::join!(
            self.check("store", async { Some(store.await) }),
            self.check("queue", async { Some(queue.await) }),
            self.check("runner", runner),
            self.check("keys", keys),
        );
        [store, queue, runner, keys].into_iter().flatten().collect()
    }

    async fn check(
        &self,
        name: &'static str,
        answer: impl Future<Output = Option<Result<Health, String>>>,
    ) -> Option<Check> {
        let asked = Instant::now();
        let answer = tokio::time::timeout(DEADLINE, answer)
            .await
            .unwrap_or_else(|_| Some(Err("no answer in time".to_owned())))?;
        let note = self.notes.iter().find(|(noted, _)| *noted == name);
        let (status, reason) = match (answer, note) {
            (Err(reason), _) => (CheckStatus::Failing, Some(reason)),
            (Ok(Health::Limited { reason }), _) => (CheckStatus::Degraded, Some(reason)),
            (Ok(Health::Good), Some((_, note))) => (CheckStatus::Degraded, Some(note.clone())),
            (Ok(Health::Good), None) => (CheckStatus::Ok, None),
        };
        Some(Check {
            name,
            status,
            latency: asked.elapsed(),
            reason,
        })
    }
}

/// A dependency that only says whether it works.
fn good<E: Error + 'static>(answer: Result<(), E>) -> Result<Health, String> {
    match answer {
        Ok(()) => Ok(Health::Good),
        Err(error) => Err(told(&error)),
    }
}

/// What an error says for everybody to read; its causes are for the log alone.
fn told(error: &(dyn Error + 'static)) -> String {
    tracing::warn!(error = %ErrorChain(error), "not ready");
    error.to_string()
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{limit_policy, worker_offer};
    use coderun_domain::{
        MockCodeRunner, MockExecutionQueue, MockExecutionStore, MockWorkerRegistry, QueueError,
        RunnerError, StoreError,
    };

    use super::*;

    fn ports(store: MockExecutionStore, runner: MockCodeRunner) -> ReadinessPorts {
        let mut queue = MockExecutionQueue::new();
        queue
            .expect_check()
            .returning(|| Ok::<_, QueueError>(Health::Good));
        ReadinessPorts {
            store: Arc::new(store),
            queue: Arc::new(queue),
            runners: Some(Runners::Own(Arc::new(runner))),
            verifier: None,
        }
    }

    fn good_store() -> MockExecutionStore {
        let mut store = MockExecutionStore::new();
        store.expect_check().returning(|| Ok(Health::Good));
        store
    }

    fn good_runner() -> MockCodeRunner {
        let mut runner = MockCodeRunner::new();
        runner.expect_check().returning(|| Ok(()));
        runner
    }

    async fn statuses(readiness: &Readiness) -> Vec<(&'static str, CheckStatus)> {
        let checks = readiness.checks().await;
        checks
            .iter()
            .map(|check| (check.name, check.status))
            .collect()
    }

    #[tokio::test]
    async fn each_dependency_is_named_and_those_not_used_are_left_out() {
        let ports = ports(good_store(), good_runner());
        let readiness = Readiness::new(ports, CancellationToken::new());
        let ok = CheckStatus::Ok;
        assert_eq!(
            statuses(&readiness).await,
            [("store", ok), ("queue", ok), ("runner", ok)]
        );
    }

    #[tokio::test]
    async fn a_runner_that_is_away_fails_with_its_reason() {
        let mut runner = MockCodeRunner::new();
        runner.expect_check().returning(|| {
            Err(RunnerError::Unavailable {
                backend: "sandbox",
                reason: "user namespaces are switched off".to_owned(),
                source: None,
            })
        });
        let readiness = Readiness::new(ports(good_store(), runner), CancellationToken::new());
        let checks = readiness.checks().await;
        let runner = checks.iter().find(|check| check.name == "runner").unwrap();
        assert_eq!(runner.status, CheckStatus::Failing);
        let reason = runner.reason.as_deref().unwrap();
        assert!(
            reason.contains("user namespaces are switched off"),
            "{reason}"
        );
    }

    #[tokio::test]
    async fn the_cause_of_a_store_failure_is_not_told() {
        let mut store = MockExecutionStore::new();
        store.expect_check().returning(|| {
            Err(StoreError::Unavailable {
                backend: "test",
                source: "redis://secret@10.0.0.1".into(),
            })
        });
        let readiness = Readiness::new(ports(store, good_runner()), CancellationToken::new());
        let shown = format!("{:?}", readiness.checks().await);
        assert!(
            shown.contains("Failing") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_kept_for_a_second() {
        let mut store = MockExecutionStore::new();
        store.expect_check().times(2).returning(|| Ok(Health::Good));
        let readiness = Readiness::new(ports(store, good_runner()), CancellationToken::new());
        readiness.checks().await;
        readiness.checks().await;
        tokio::time::advance(KEPT_FOR).await;
        readiness.checks().await;
    }

    #[tokio::test]
    async fn a_limited_store_is_degraded_and_says_why() {
        let mut store = MockExecutionStore::new();
        let limited = || Ok(Health::limited("kept in memory only"));
        store.expect_check().returning(limited);
        let readiness = Readiness::new(ports(store, good_runner()), CancellationToken::new());
        let checks = readiness.checks().await;
        let store = checks.first().unwrap();
        assert_eq!(store.status, CheckStatus::Degraded);
        assert_eq!(store.reason.as_deref(), Some("kept in memory only"));
    }

    /// The check of the runner, where the only workers are those in this registry.
    async fn fleet_check(registry: MockWorkerRegistry) -> Check {
        let fleet = Fleet::new(Arc::new(registry), limit_policy());
        let ports = ReadinessPorts {
            runners: Some(Runners::Fleet(Arc::new(fleet))),
            ..ports(good_store(), MockCodeRunner::new())
        };
        let readiness = Readiness::new(ports, CancellationToken::new());
        let checks = readiness.checks().await;
        checks.into_iter().find(|it| it.name == "runner").unwrap()
    }

    #[tokio::test]
    async fn without_a_runner_of_its_own_it_takes_a_worker_to_be_ready() {
        let mut registry = MockWorkerRegistry::new();
        registry.expect_offers().returning(|| Ok(Vec::new()));
        let check = fleet_check(registry).await;
        assert_eq!(check.status, CheckStatus::Failing);
        assert_eq!(check.reason.as_deref(), Some("no worker is there"));
        let mut registry = MockWorkerRegistry::new();
        let offers = || Ok(vec![worker_offer("w1")]);
        registry.expect_offers().returning(offers);
        assert_eq!(fleet_check(registry).await.status, CheckStatus::Ok);
    }

    #[tokio::test]
    async fn a_note_degrades_but_does_not_fail() {
        let readiness =
            Readiness::new(ports(good_store(), good_runner()), CancellationToken::new())
                .with_note("store", "kept in memory only");
        assert_eq!(
            statuses(&readiness).await.first(),
            Some(&("store", CheckStatus::Degraded))
        );
    }
}
