//! Tests the metrics of storage calls, on a real storage in memory.

use std::future::ready;
use std::time::Duration;

use coderun_app::metrics::QUEUE_WAIT;
use coderun_domain::testing::{EVERYONE, at, execution, execution_id};
use coderun_domain::{
    InputError, InputId, InputPiece, Lease, QueueError, Quota, RegistryError, SenderId, Sequence,
    StoreError, TicketDigest, TicketError, WatchError, WorkerId,
};
use coderun_storage_metrics::{StorageError, StorageTimer};
use metrics::histogram;
use rstest::rstest;

use crate::compose::Ports;
use crate::metrics::testing::Recorded;
use crate::settings::testing::settings_with;

const COUNT: &str = "coderun_storage_duration_seconds_count";

/// The line of one call.
fn one_call(backend: &str, operation: &str, result: &str) -> String {
    format!(r#"{COUNT}{{backend="{backend}",operation="{operation}",result="{result}"}} 1"#)
}

async fn ports() -> Ports {
    Ports::shared(&settings_with(&[])).await.unwrap()
}

#[test]
fn calls_of_every_port_are_counted_by_operation_and_result() {
    let recorded = Recorded::during(async {
        let (storage, id) = (ports().await.storage, execution_id(1));
        storage.store.submit(&execution(), None).await.unwrap();
        assert_eq!(storage.queue.depth().await.unwrap().pending, 1);
        let unknown = storage
            .notifier
            .subscribe(execution_id(2), Sequence::default());
        assert!(unknown.await.is_err());
        let (sender, number) = (SenderId::from_number(1), 1);
        let sent = storage
            .inputs
            .send(id, InputId { sender, number }, InputPiece::End);
        sent.await.unwrap();
        let digest = TicketDigest::from_bytes([1; 32]);
        assert_eq!(storage.tickets.redeem(id, digest).await.unwrap(), None);
        assert_eq!(storage.registry.offers().await.unwrap(), []);
    });
    let expected = [
        ("depth", "ok"),
        ("offers", "ok"),
        ("redeem_ticket", "ok"),
        ("send_input", "ok"),
        ("submit", "ok"),
        ("subscribe", "refused"),
    ];
    let expected = expected.map(|(operation, result)| one_call("memory", operation, result));
    assert_eq!(recorded.lines(COUNT), expected);
}

#[test]
fn waiting_for_work_is_not_a_call() {
    let recorded = Recorded::during(async {
        let queue = ports().await.storage.queue;
        let worker = WorkerId::parse("worker").unwrap();
        let lease = Lease::new(execution().start(worker, at(1)).unwrap()).unwrap();
        let waiting = async {
            queue.cancel_requested(&lease).await;
            queue.work_available(EVERYONE).await;
        };
        drop(tokio::time::timeout(Duration::from_secs(20), waiting).await);
    });
    assert_eq!(recorded.lines("coderun_storage"), [""; 0]);
}

const BACKEND: &str = "redis";

fn cause() -> coderun_domain::BackendError {
    "connection refused".into()
}

#[rstest]
#[case(StoreError::Full { retry_after: Duration::ZERO }, "refused")]
#[case(StoreError::QuotaExceeded { quota: Quota::Pending, limit: 1, retry_after: Duration::ZERO }, "refused")]
#[case(StoreError::Corrupt { backend: BACKEND, id: execution_id(1), source: cause() }, "corrupt")]
#[case(StoreError::Unavailable { backend: BACKEND, source: cause() }, "unavailable")]
#[case(QueueError::LeaseLost, "refused")]
#[case(QueueError::Corrupt { backend: BACKEND, id: execution_id(1), source: cause() }, "corrupt")]
#[case(WatchError::Gone, "refused")]
#[case(WatchError::Unavailable { backend: BACKEND, source: cause() }, "unavailable")]
#[case(InputError::Forgotten, "refused")]
#[case(TicketError::Absent, "refused")]
#[case(RegistryError::Unavailable { backend: BACKEND, source: cause() }, "unavailable")]
fn a_failed_call_is_counted_by_its_error<E: StorageError>(#[case] error: E, #[case] result: &str) {
    let recorded = Recorded::during(async {
        let timer = StorageTimer::new("redis");
        assert!(timer.time("get", ready(Err::<(), E>(error))).await.is_err());
        timer.time("get", ready(Ok::<(), E>(()))).await.ok();
    });
    let mut expected = ["ok", result].map(|result| one_call("redis", "get", result));
    expected.sort();
    assert_eq!(recorded.lines(COUNT), expected);
}

#[test]
fn durations_of_calls_and_waits_have_buckets_of_their_own() {
    let recorded = Recorded::during(async {
        let timer = StorageTimer::new("memory");
        timer
            .time("get", ready(Ok::<(), StoreError>(())))
            .await
            .unwrap();
        histogram!(QUEUE_WAIT, "language" => "python").record(7.0);
    });
    let text = recorded.text();
    for bound in ["0.0001", "0.001", "10", "+Inf"] {
        let bucket = format!(
            r#"coderun_storage_duration_seconds_bucket{{backend="memory",operation="get",result="ok",le="{bound}"}} "#
        );
        assert!(text.contains(&bucket), "{bound} is missing in\n{text}");
    }
    for line in [
        r#"coderun_queue_wait_seconds_sum{language="python"} 7"#,
        r#"coderun_queue_wait_seconds_count{language="python"} 1"#,
        r#"coderun_queue_wait_seconds_bucket{language="python",le="5"} 0"#,
        r#"coderun_queue_wait_seconds_bucket{language="python",le="10"} 1"#,
    ] {
        let line = format!("{line}\n");
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
}
