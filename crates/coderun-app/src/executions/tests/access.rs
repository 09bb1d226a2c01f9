//! Tests submissions and access to executions.

use coderun_domain::testing::{accepted, at, draft, execution, execution_id, user, worker_offer};
use coderun_domain::{
    ByteSize, Execution, FailureKind, LimitPolicy, Limits, MockExecutionStore, MockNotifier, Quota,
    RequestedLimits, StageLimits, StoreError, SubmissionDraft, WorkerOffer,
};
use rstest::rstest;

use super::support::{fleet, with_fleet, with_store};
use crate::{AccessError, SubmitError};

fn store_with(found: Option<Execution>) -> MockExecutionStore {
    let mut store = MockExecutionStore::new();
    store.expect_get().returning(move |_| Ok(found.clone()));
    store
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        backend: "test",
        source: "connection refused".into(),
    }
}

fn quota_exceeded() -> StoreError {
    StoreError::QuotaExceeded {
        quota: Quota::Pending,
        limit: 100,
        retry_after: std::time::Duration::from_secs(1),
    }
}

#[tokio::test]
async fn an_accepted_submission_is_pending_under_its_new_id() {
    let mut store = MockExecutionStore::new();
    store.expect_submit().returning(|_, _| Ok(accepted()));
    let submitting = with_store(store).submit(user("alice"), draft(), None).await;
    let submitted = submitting.unwrap();
    assert_eq!(submitted.execution.id(), execution_id(1));
    assert_eq!(submitted.execution.progress().created_at(), at(0));
    assert_eq!(submitted.usage, accepted().usage);
}

#[tokio::test]
async fn before_a_worker_has_announced_itself_submissions_are_unavailable() {
    let alone = with_fleet(fleet(), MockExecutionStore::new(), MockNotifier::new());
    let error = alone
        .submit(user("alice"), draft(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, SubmitError::NoWorkerYet(_)), "{error:?}");
    assert_eq!(error.kind(), FailureKind::Unavailable);
}

#[test]
fn limits_beyond_those_of_a_worker_are_refused() {
    let second = std::time::Duration::from_secs(1);
    let offer = worker_offer("small");
    let small = Limits {
        run: StageLimits::new(second, second, ByteSize::from_mib(64), 8).unwrap(),
        ..*offer.limits.maximum_limits()
    };
    let offer = WorkerOffer {
        limits: LimitPolicy::new(small, small),
        ..offer
    };
    let fleet = fleet().with_worker(offer);
    let executions = with_fleet(fleet, MockExecutionStore::new(), MockNotifier::new());
    let asking_for = |processes| SubmissionDraft {
        limits: RequestedLimits {
            processes: Some(processes),
            ..RequestedLimits::default()
        },
        ..draft()
    };
    assert!(executions.validate(user("alice"), asking_for(9)).is_err());
    let checked = executions.validate(user("alice"), asking_for(8)).unwrap();
    assert_eq!(checked.limits().run, small.run);
}

#[tokio::test]
async fn an_invalid_submission_never_reaches_the_store() {
    let bad = SubmissionDraft {
        code: String::new(),
        ..draft()
    };
    let error = with_store(MockExecutionStore::new())
        .submit(user("alice"), bad, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Invalid);
}

#[rstest]
#[case::unavailable(unavailable, FailureKind::Unavailable)]
#[case::quota_used_up(quota_exceeded, FailureKind::RateLimited)]
#[tokio::test]
async fn no_id_is_handed_out_for_what_the_store_refuses(
    #[case] refusal: fn() -> StoreError,
    #[case] kind: FailureKind,
) {
    let mut store = MockExecutionStore::new();
    store.expect_submit().returning(move |_, _| Err(refusal()));
    let refused = with_store(store).submit(user("alice"), draft(), None).await;
    assert_eq!(refused.unwrap_err().kind(), kind);
}

#[tokio::test]
async fn another_users_execution_is_forbidden_and_an_unknown_one_absent() {
    let mine = with_store(store_with(Some(execution())));
    let id = execution_id(1);
    assert!(mine.read(&user("alice"), id).await.is_ok());
    assert!(matches!(
        mine.read(&user("mallory"), id).await,
        Err(AccessError::Forbidden)
    ));
    assert!(matches!(
        with_store(store_with(None)).read(&user("alice"), id).await,
        Err(AccessError::Absent)
    ));
}

#[tokio::test]
async fn a_store_failure_is_not_absence() {
    let mut store = MockExecutionStore::new();
    store.expect_get().returning(|_| Err(unavailable()));
    let error = with_store(store)
        .read(&user("alice"), execution_id(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unavailable);
}

#[tokio::test]
async fn cancelling_another_users_execution_is_forbidden() {
    let mut store = store_with(Some(execution()));
    store.expect_request_cancel().never();
    let executions = with_store(store);
    let cancelled = executions.cancel(&user("mallory"), execution_id(1)).await;
    assert_eq!(cancelled.unwrap_err().kind(), FailureKind::Forbidden);
}
