use coderun_domain::testing::{catalog, language, limit_policy, worker_offer};
use coderun_domain::{
    Enforcement, MockCodeRunner, MockExecutionQueue, MockExecutionStore, MockWorkerRegistry,
    QueueError, RunnerError, RunnerProfile, StoreError, UnavailableCause, UnavailableLanguage,
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

fn readiness(store: MockExecutionStore, runner: MockCodeRunner) -> Readiness {
    Readiness::new(ports(store, runner), CancellationToken::new())
}

fn good_store() -> MockExecutionStore {
    let mut store = MockExecutionStore::new();
    store.expect_check().returning(|| Ok(Health::Good));
    store
}

fn good_runner() -> MockCodeRunner {
    let mut runner = MockCodeRunner::new();
    runner.expect_check().returning(|| Ok(()));
    runner.expect_limits_health().returning(|| None);
    runner.expect_unavailable_languages().returning(|| None);
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
    let readiness = readiness(good_store(), good_runner());
    let ok = CheckStatus::Ok;
    assert_eq!(
        statuses(&readiness).await,
        [("store", ok), ("queue", ok), ("runner", ok)]
    );
}

#[tokio::test]
async fn weaker_limits_degrade_and_say_why() {
    let mut runner = MockCodeRunner::new();
    runner.expect_check().returning(|| Ok(()));
    let weak = || Some(Health::limited("nothing is delegated"));
    runner.expect_limits_health().returning(weak);
    runner.expect_unavailable_languages().returning(|| None);
    runner.expect_profile().returning(|| RunnerProfile {
        enforcement: Enforcement {
            memory: Some("polled".to_owned()),
            ..Enforcement::default()
        },
        ..worker_offer("w1").runner
    });
    let checks = readiness(good_store(), runner).checks().await;
    let limits = checks.iter().find(|check| check.name == "limits").unwrap();
    assert_eq!(limits.status, CheckStatus::Degraded);
    let reason = limits.reason.as_deref();
    assert_eq!(reason, Some("polled; nothing is delegated"));
}

/// The check of the languages, of which one fails, where the runner offers so many others, at this time after the start.
async fn language_check(others: usize, age: Duration) -> Check {
    let mut runner = MockCodeRunner::new();
    runner.expect_check().returning(|| Ok(()));
    runner.expect_limits_health().returning(|| None);
    let unavailable = |name, cause| UnavailableLanguage {
        language: language(name),
        aliases: Vec::new(),
        version: None,
        cause,
    };
    let failing = UnavailableCause::Failing("its folder is gone".to_owned());
    let unavailable = vec![
        unavailable("ruby", UnavailableCause::BeingChecked),
        unavailable("java", failing),
        unavailable("go", UnavailableCause::BeingChecked),
    ];
    let unavailable = move || Some(unavailable.clone());
    runner.expect_unavailable_languages().returning(unavailable);
    let offered = move || catalog().specs()[..others].to_vec();
    runner.expect_languages().returning(offered);
    let readiness = readiness(good_store(), runner);
    tokio::time::advance(age).await;
    let mut checks = readiness.checks().await.into_iter();
    checks.find(|check| check.name == "languages").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_language_that_does_not_run_degrades_and_without_any_nothing_is_ready() {
    let one_runs = language_check(1, FIRST_LANGUAGE_CHECKS_MAX).await;
    assert_eq!(one_runs.status, CheckStatus::Degraded);
    let reason = "java does not run: its folder is gone; still being checked: ruby, go";
    assert_eq!(one_runs.reason.as_deref(), Some(reason));
    let none_runs = language_check(0, FIRST_LANGUAGE_CHECKS_MAX).await;
    assert_eq!(none_runs.status, CheckStatus::Failing);
    // A moment after the start most languages are not checked yet.
    let young = language_check(1, FIRST_LANGUAGE_CHECKS_MAX / 2).await;
    assert_eq!(young.status, CheckStatus::Failing);
}

#[tokio::test]
async fn an_unavailable_runner_fails_with_its_reason() {
    let mut runner = MockCodeRunner::new();
    runner.expect_limits_health().returning(|| None);
    runner.expect_unavailable_languages().returning(|| None);
    runner.expect_check().returning(|| {
        Err(RunnerError::Unavailable {
            backend: "sandbox",
            reason: "user namespaces are switched off".to_owned(),
            source: None,
        })
    });
    let readiness = readiness(good_store(), runner);
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
async fn the_cause_of_a_store_failure_is_not_shown() {
    let mut store = MockExecutionStore::new();
    store.expect_check().returning(|| {
        Err(StoreError::Unavailable {
            backend: "test",
            source: "redis://secret@10.0.0.1".into(),
        })
    });
    let readiness = readiness(store, good_runner());
    let shown = format!("{:?}", readiness.checks().await);
    assert!(
        shown.contains("Failing") && !shown.contains("secret"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_diagnosis_of_a_failure_is_shown_without_its_causes() {
    let mut store = MockExecutionStore::new();
    store.expect_check().returning(|| {
        Err(StoreError::Unavailable {
            backend: "test",
            source: Box::new(Diagnosis::new("its memory is full", "10.0.0.1: OOM")),
        })
    });
    let checks = readiness(store, good_runner()).checks().await;
    let shown = checks.first().unwrap().reason.as_deref();
    assert_eq!(
        shown,
        Some("the store `test` is not available: its memory is full")
    );
}

#[tokio::test(start_paused = true)]
async fn results_are_reused_for_a_second() {
    let mut store = MockExecutionStore::new();
    store.expect_check().times(2).returning(|| Ok(Health::Good));
    let readiness = readiness(store, good_runner());
    readiness.checks().await;
    readiness.checks().await;
    tokio::time::advance(CACHE_TTL).await;
    readiness.checks().await;
}

#[tokio::test]
async fn a_limited_store_is_degraded_and_says_why() {
    let mut store = MockExecutionStore::new();
    let limited = || Ok(Health::limited("kept in memory only"));
    store.expect_check().returning(limited);
    let readiness = readiness(store, good_runner());
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
async fn without_a_runner_of_its_own_readiness_needs_a_worker() {
    let mut registry = MockWorkerRegistry::new();
    registry.expect_offers().returning(|| Ok(Vec::new()));
    let check = fleet_check(registry).await;
    assert_eq!(check.status, CheckStatus::Failing);
    assert_eq!(check.reason.as_deref(), Some("no worker is available"));
    let mut registry = MockWorkerRegistry::new();
    let offers = || Ok(vec![worker_offer("w1")]);
    registry.expect_offers().returning(offers);
    assert_eq!(fleet_check(registry).await.status, CheckStatus::Ok);
}

#[tokio::test]
async fn a_note_degrades_but_does_not_fail() {
    let readiness =
        readiness(good_store(), good_runner()).with_note("store", "kept in memory only");
    assert_eq!(
        statuses(&readiness).await.first(),
        Some(&("store", CheckStatus::Degraded))
    );
}
