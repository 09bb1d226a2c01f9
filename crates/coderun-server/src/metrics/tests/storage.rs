//! What is recorded of calls of the storage.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{execution, execution_id, user};
use coderun_domain::{
    Admission, ExecutionStore as _, InputId, InputPiece, InputRelay as _, InputReply,
    MockExecutionStore, MockInputRelay, MockNotifier, MockTicketStore, MockWorkerRegistry,
    Notifier as _, Quota, RegistryError, SenderId, Sequence, StoreError, Submitted, TicketDigest,
    TicketStore as _, WatchError, WorkerRegistry as _,
};
use time::OffsetDateTime;

use crate::metrics::testing::Recorded;
use crate::metrics::{
    MeasuredExecutionStore, MeasuredInputRelay, MeasuredNotifier, MeasuredTicketStore,
    MeasuredWorkerRegistry,
};

const COUNT: &str = "coderun_storage_duration_seconds_count";

fn away() -> StoreError {
    StoreError::Unavailable {
        backend: "redis",
        source: "connection refused".into(),
    }
}

#[test]
fn calls_of_the_store_are_counted_by_operation_and_result() {
    let recorded = Recorded::during(async {
        let mut inner = MockExecutionStore::new();
        inner
            .expect_submit()
            .times(2)
            .returning(|_| Ok(Submitted::Accepted));
        inner.expect_submit().returning(|_| {
            Err(StoreError::QuotaExceeded {
                quota: Quota::Pending,
                limit: 1,
                retry_after: Duration::from_secs(1),
            })
        });
        inner.expect_get().returning(|_| Err(away()));
        inner.expect_delete().returning(|id| {
            Err(StoreError::Corrupt {
                backend: "redis",
                id,
                source: "nonsense".into(),
            })
        });
        let store = MeasuredExecutionStore::new(Arc::new(inner), "redis");
        for _ in 0..2 {
            assert_eq!(
                store.submit(&execution()).await.unwrap(),
                Submitted::Accepted
            );
        }
        store.submit(&execution()).await.unwrap_err();
        store.get(execution_id(1)).await.unwrap_err();
        store.delete(execution_id(1)).await.unwrap_err();
    });
    assert_eq!(
        recorded.lines(COUNT),
        [
            r#"coderun_storage_duration_seconds_count{backend="redis",operation="delete",result="corrupt"} 1"#,
            r#"coderun_storage_duration_seconds_count{backend="redis",operation="get",result="unavailable"} 1"#,
            r#"coderun_storage_duration_seconds_count{backend="redis",operation="submit",result="ok"} 2"#,
            r#"coderun_storage_duration_seconds_count{backend="redis",operation="submit",result="refused"} 1"#,
        ]
    );
}

/// The line of one call.
fn one(operation: &str, result: &str) -> String {
    format!(r#"{COUNT}{{backend="memory",operation="{operation}",result="{result}"}} 1"#)
}

#[test]
fn subscriptions_and_workers_are_measured() {
    let recorded = Recorded::during(async {
        let mut notifier = MockNotifier::new();
        notifier
            .expect_subscribe()
            .returning(|_, _| Err(WatchError::Gone));
        let notifier = MeasuredNotifier::new(Arc::new(notifier), "memory");
        let subscribed = notifier.subscribe(execution_id(1), Sequence::default());
        assert!(subscribed.await.is_err());
        let mut registry = MockWorkerRegistry::new();
        registry.expect_offers().returning(|| {
            Err(RegistryError::Unavailable {
                backend: "memory",
                source: "away".into(),
            })
        });
        let registry = MeasuredWorkerRegistry::new(Arc::new(registry), "memory");
        registry.offers().await.unwrap_err();
    });
    let expected = [one("offers", "unavailable"), one("subscribe", "refused")];
    assert_eq!(recorded.lines(COUNT), expected);
}

#[test]
fn input_and_tickets_are_measured() {
    let recorded = Recorded::during(async {
        let mut relay = MockInputRelay::new();
        relay
            .expect_send()
            .returning(|_, _, _| Ok(InputReply::Kept));
        let relay = MeasuredInputRelay::new(Arc::new(relay), "memory");
        let input = InputId {
            sender: SenderId::from_number(1),
            number: 1,
        };
        let sent = relay.send(execution_id(1), input, InputPiece::End);
        assert_eq!(sent.await.unwrap(), InputReply::Kept);
        let mut tickets = MockTicketStore::new();
        tickets.expect_issue().returning(|_, _, _, _| Ok(()));
        tickets.expect_redeem().returning(|_, _| Ok(None));
        let tickets = MeasuredTicketStore::new(Arc::new(tickets), "memory");
        let (id, digest) = (execution_id(1), TicketDigest::from_bytes([1; 32]));
        let admission = Admission {
            user: user("alice"),
            expires_at: OffsetDateTime::UNIX_EPOCH,
        };
        let lifetime = Duration::from_secs(30);
        let issued = tickets.issue(id, digest, &admission, lifetime);
        issued.await.unwrap();
        assert_eq!(tickets.redeem(id, digest).await.unwrap(), None);
    });
    let expected = ["issue_ticket", "redeem_ticket", "send_input"];
    let expected = expected.map(|operation| one(operation, "ok"));
    assert_eq!(recorded.lines(COUNT), expected);
}

#[test]
fn durations_fall_into_the_buckets_of_calls() {
    let recorded = Recorded::during(async {
        let mut inner = MockExecutionStore::new();
        inner.expect_get().returning(|_| Ok(None));
        let store = MeasuredExecutionStore::new(Arc::new(inner), "memory");
        assert_eq!(store.get(execution_id(1)).await.unwrap(), None);
    });
    let text = recorded.text();
    for bound in ["0.0001", "0.001", "10", "+Inf"] {
        let bucket = format!(
            r#"coderun_storage_duration_seconds_bucket{{backend="memory",operation="get",result="ok",le="{bound}"}} "#
        );
        assert!(text.contains(&bucket), "{bound} is missing in\n{text}");
    }
}
