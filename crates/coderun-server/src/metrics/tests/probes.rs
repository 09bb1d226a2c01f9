//! Tests the gauges that are read on demand.

use coderun_domain::{
    Health, MockExecutionQueue, MockExecutionStore, QueueDepth, QueueError, StoreError,
};
use tokio_util::sync::CancellationToken;

use crate::metrics::probes::record_depth;
use crate::metrics::testing::{Recorded, probes};

const DEPTH: &str = "coderun_queue_depth";
const READY: &str = "coderun_ready";

/// Records the answers of this queue and this store.
fn probed(
    queue: MockExecutionQueue,
    store: fn() -> Result<Health, StoreError>,
    draining: CancellationToken,
) -> Recorded {
    let mut mock = MockExecutionStore::new();
    mock.expect_check().returning(store);
    Recorded::during(async move { probes(queue, mock, draining).update().await })
}

/// The lines of the depth of this queue.
fn depth_lines(queue: MockExecutionQueue) -> Vec<String> {
    probed(queue, || Ok(Health::Good), CancellationToken::new()).lines(DEPTH)
}

fn queue(depth: fn() -> Result<QueueDepth, QueueError>) -> MockExecutionQueue {
    let mut queue = MockExecutionQueue::new();
    queue.expect_depth().returning(depth);
    queue.expect_check().returning(|| Ok(Health::Good));
    queue
}

/// A queue with pending and running executions.
fn some_queue() -> MockExecutionQueue {
    queue(|| {
        Ok(QueueDepth {
            pending: 5,
            running: 2,
        })
    })
}

#[test]
fn pending_and_running_executions_are_counted() {
    let expected = [
        r#"coderun_queue_depth{state="pending"} 5"#,
        r#"coderun_queue_depth{state="running"} 2"#,
    ];
    assert_eq!(depth_lines(some_queue()), expected);
}

const NO_DEPTH: [&str; 2] = [
    r#"coderun_queue_depth{state="pending"} NaN"#,
    r#"coderun_queue_depth{state="running"} NaN"#,
];

#[test]
fn an_unavailable_queue_has_no_depth() {
    let unavailable = queue(|| {
        Err(QueueError::Unavailable {
            backend: "redis",
            source: "connection refused".into(),
        })
    });
    assert_eq!(depth_lines(unavailable), NO_DEPTH);
}

#[test]
fn a_queue_that_never_answers_is_not_waited_for() {
    let recorded = Recorded::during(record_depth(std::future::pending()));
    assert_eq!(recorded.lines(DEPTH), NO_DEPTH);
}

/// The lines of readiness with a store that answers like this.
fn ready(store: fn() -> Result<Health, StoreError>, draining: CancellationToken) -> Vec<String> {
    probed(some_queue(), store, draining).lines(READY)
}

#[test]
fn a_service_is_ready_if_all_checks_are_ok_or_degraded() {
    let (good, limited) = (|| Ok(Health::Good), || Ok(Health::limited("in memory")));
    assert_eq!(ready(good, CancellationToken::new()), ["coderun_ready 1"]);
    assert_eq!(
        ready(limited, CancellationToken::new()),
        ["coderun_ready 1"]
    );
}

#[test]
fn a_service_is_not_ready_if_a_check_fails_or_it_drains() {
    let unavailable = || {
        Err(StoreError::Unavailable {
            backend: "redis",
            source: "connection refused".into(),
        })
    };
    assert_eq!(
        ready(unavailable, CancellationToken::new()),
        ["coderun_ready 0"]
    );
    let draining = CancellationToken::new();
    draining.cancel();
    assert_eq!(ready(|| Ok(Health::Good), draining), ["coderun_ready 0"]);
}
