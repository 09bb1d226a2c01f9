//! Tests how submissions wait for the check of their language.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{draft, language, limit_policy, worker_offer};
use coderun_domain::{
    MockExecutionStore, MockNotifier, SubmissionDraft, UnavailableCause, UnavailableLanguage,
    WorkerOffer, WorkerRegistry as _,
};
use tokio::time::{Instant, sleep};

use super::support::with_fleet;
use crate::testing::FailingRegistry;
use crate::{Executions, Fleet};

/// The worker that checks Ruby and offers Python.
fn checking() -> WorkerOffer {
    let ruby = UnavailableLanguage {
        language: language("ruby"),
        aliases: Vec::new(),
        version: Some("3.1".to_owned()),
        cause: UnavailableCause::BeingChecked,
    };
    WorkerOffer {
        unavailable: vec![ruby],
        ..worker_offer("w")
    }
}

/// The time that a submission in this language waits.
async fn wait_for(executions: &Executions, language: &str) -> Duration {
    let draft = SubmissionDraft {
        language: language.to_owned(),
        ..draft()
    };
    let begun = Instant::now();
    executions.wait_for_language_check(&draft).await;
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_submission_waits_until_its_language_is_checked_and_not_for_others() {
    let registry = Arc::new(FailingRegistry::new());
    let fleet = Fleet::new(Arc::clone(&registry) as _, limit_policy()).with_worker(checking());
    let executions = with_fleet(fleet, MockExecutionStore::new(), MockNotifier::new());
    let after_two_seconds = async {
        sleep(Duration::from_secs(2)).await;
        let checked = worker_offer("w");
        let lifetime = Duration::from_secs(15);
        registry.announce(&checked, lifetime).await.unwrap();
        executions.ports.fleet.refresh().await.unwrap();
    };
    let (waited, ()) = tokio::join!(wait_for(&executions, "Ruby 3"), after_two_seconds);
    assert_eq!(waited, Duration::from_secs(2));
    for language in ["ruby", "python", "cobol"] {
        assert_eq!(wait_for(&executions, language).await, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_submission_waits_five_seconds_at_most() {
    let fleet = super::support::fleet().with_worker(checking());
    let executions = with_fleet(fleet, MockExecutionStore::new(), MockNotifier::new());
    let waited = wait_for(&executions, "ruby").await;
    assert_eq!(waited.as_secs(), 5);
    assert_eq!(wait_for(&executions, "python").await, Duration::ZERO);
}
