//! Tests access to executions, and the streams of watchers.

use coderun_domain::testing::{at, draft, execution, execution_id, user, worker_offer};
use coderun_domain::{
    Attempt, ByteSize, Event, Execution, FailureKind, LimitPolicy, Limits, MockExecutionStore,
    MockNotifier, OutputChunk, OutputStream, Quota, RequestedLimits, Sequence, StageLimits,
    StoreError, StoredEvent, SubmissionDraft, Submitted, WatchError, WorkerId, WorkerOffer,
};
use futures_util::{StreamExt, stream};
use rstest::rstest;

use super::support::{executions, fleet, with_fleet, with_store};
use crate::{AccessError, SubmitError, WatchEvent};

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
    store
        .expect_submit()
        .returning(|_, _| Ok(Submitted::Accepted));
    let accepted = with_store(store)
        .submit(user("alice"), draft())
        .await
        .unwrap();
    assert_eq!(accepted.id(), execution_id(1));
    assert_eq!(accepted.progress().created_at(), at(0));
}

#[tokio::test]
async fn before_a_worker_has_announced_itself_submissions_are_unavailable() {
    let alone = with_fleet(fleet(), MockExecutionStore::new(), MockNotifier::new());
    let error = alone.submit(user("alice"), draft()).await.unwrap_err();
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
        .submit(user("alice"), bad)
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
    let refused = with_store(store).submit(user("alice"), draft()).await;
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
async fn cancelling_and_watching_another_users_execution_is_forbidden() {
    let (mut store, mut notifier) = (store_with(Some(execution())), MockNotifier::new());
    store.expect_request_cancel().never();
    notifier.expect_subscribe().never();
    let executions = executions(store, notifier);
    let (mallory, id) = (user("mallory"), execution_id(1));
    let cancelled = executions.cancel(&mallory, id).await;
    assert_eq!(cancelled.unwrap_err().kind(), FailureKind::Forbidden);
    let watched = executions.watch(&mallory, id, None).await;
    assert_eq!(watched.err().unwrap().kind(), FailureKind::Forbidden);
}

fn running() -> Execution {
    let worker = WorkerId::parse("w").unwrap();
    execution().start(worker, at(1)).unwrap()
}

fn events() -> Vec<StoredEvent> {
    let chunk = OutputChunk {
        stream: OutputStream::Stdout,
        bytes: "hi".into(),
        attempt: Attempt::from_count(1),
    };
    vec![
        StoredEvent {
            sequence: Sequence::from_number(2),
            event: Event::Updated(running().progress().clone()),
        },
        StoredEvent {
            sequence: Sequence::from_number(3),
            event: Event::Output(chunk),
        },
    ]
}

/// A notifier that must be asked for what comes after `since`, and streams [`events`].
fn notifier_after(since: u64) -> MockNotifier {
    let mut notifier = MockNotifier::new();
    notifier
        .expect_subscribe()
        .withf(move |_, asked| asked.number() == since)
        .returning(|_, _| Ok(Box::pin(stream::iter(events().into_iter().map(Ok)))));
    notifier
}

#[tokio::test]
async fn a_watcher_gets_the_snapshot_and_then_the_events_after_it() {
    let watched = executions(store_with(Some(execution())), notifier_after(1));
    let events = watched
        .watch(&user("alice"), execution_id(1), None)
        .await
        .unwrap();
    let received: Vec<_> = events.map(Result::unwrap).collect().await;
    let [
        WatchEvent::Updated(snapshot),
        WatchEvent::Updated(update),
        WatchEvent::Output { .. },
    ] = received.as_slice()
    else {
        panic!("{received:?}");
    };
    assert_eq!(**snapshot, execution());
    assert_eq!(**update, running());
}

#[tokio::test]
async fn a_watcher_with_a_number_gets_the_events_after_it() {
    let finished = running()
        .count_events(1, at(2))
        .and_then(|running| running.finish(coderun_domain::testing::finished(), at(3)))
        .unwrap();
    let watched = executions(store_with(Some(finished)), notifier_after(0));
    let events = watched
        .watch(&user("alice"), execution_id(1), Some(Sequence::START))
        .await
        .unwrap();
    let received: Vec<_> = events.map(Result::unwrap).collect().await;
    let [WatchEvent::Updated(then), WatchEvent::Output { .. }] = received.as_slice() else {
        panic!("{received:?}");
    };
    assert_eq!(**then, running(), "as it stood then, not as it stands now");
}

#[tokio::test]
async fn an_execution_deleted_before_the_subscription_is_absent() {
    let mut notifier = MockNotifier::new();
    notifier
        .expect_subscribe()
        .returning(|_, _| Err(WatchError::Gone));
    let error = executions(store_with(Some(execution())), notifier)
        .watch(&user("alice"), execution_id(1), None)
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), FailureKind::Absent);
}
