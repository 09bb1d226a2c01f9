//! Tests the gauges that are read on demand.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_app::{Readiness, ReadinessPorts};
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, MockExecutionQueue, MockExecutionStore, Outcome,
    QueueDepth, QueueError, Renewal, RunEvent, Sequence, StoreError, Swept, WorkerId,
};
use tokio_util::sync::CancellationToken;

use crate::metrics::Probes;
use crate::metrics::testing::Recorded;

const DEPTH: &str = "coderun_queue_depth";
const READY: &str = "coderun_ready";

/// What is recorded when these are asked.
fn probed(
    queue: impl ExecutionQueue + 'static,
    store: fn() -> Result<Health, StoreError>,
    draining: CancellationToken,
) -> Recorded {
    Recorded::during(async move {
        let queue: Arc<dyn ExecutionQueue> = Arc::new(queue);
        let mut mock = MockExecutionStore::new();
        mock.expect_check().returning(store);
        let ports = ReadinessPorts {
            store: Arc::new(mock),
            queue: Arc::clone(&queue),
            runners: None,
            verifier: None,
        };
        let readiness = Readiness::new(ports, draining);
        Probes { queue, readiness }.update().await;
    })
}

/// The depth of this queue, as it is shown.
fn depth_lines(queue: impl ExecutionQueue + 'static) -> Vec<String> {
    probed(queue, || Ok(Health::Good), CancellationToken::new()).lines(DEPTH)
}

fn queue(depth: fn() -> Result<QueueDepth, QueueError>) -> MockExecutionQueue {
    let mut queue = MockExecutionQueue::new();
    queue.expect_depth().returning(depth);
    queue.expect_check().returning(|| Ok(Health::Good));
    queue
}

/// A queue in which there is something.
fn some_queue() -> MockExecutionQueue {
    queue(|| {
        Ok(QueueDepth {
            pending: 5,
            running: 2,
        })
    })
}

#[test]
fn the_queue_says_how_much_waits_and_runs() {
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
fn a_queue_that_is_away_has_no_depth() {
    let away = queue(|| {
        Err(QueueError::Unavailable {
            backend: "redis",
            source: "connection refused".into(),
        })
    });
    assert_eq!(depth_lines(away), NO_DEPTH);
}

/// A queue that never says how much is in it.
#[derive(Debug)]
struct Silent(MockExecutionQueue);

#[async_trait]
impl ExecutionQueue for Silent {
    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        std::future::pending().await
    }
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        self.0.take(worker, languages).await
    }
    async fn work_available(&self) {
        self.0.work_available().await;
    }
    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.0.renew(lease).await
    }
    async fn cancel_requested(&self, lease: &Lease) {
        self.0.cancel_requested(lease).await;
    }
    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        self.0.append(lease, after, events).await
    }
    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        self.0.finish(lease, outcome).await
    }
    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.0.release(lease).await
    }
    async fn sweep(&self) -> Result<Swept, QueueError> {
        self.0.sweep().await
    }
    async fn check(&self) -> Result<Health, QueueError> {
        self.0.check().await
    }
}

#[test]
fn a_queue_that_never_answers_is_not_waited_for() {
    let mut checked = MockExecutionQueue::new();
    checked.expect_check().returning(|| Ok(Health::Good));
    assert_eq!(depth_lines(Silent(checked)), NO_DEPTH);
}

/// What is shown of readiness where the store answers like this.
fn ready(store: fn() -> Result<Health, StoreError>, draining: CancellationToken) -> Vec<String> {
    probed(some_queue(), store, draining).lines(READY)
}

#[test]
fn it_is_ready_where_everything_works_or_nearly() {
    let (good, limited) = (|| Ok(Health::Good), || Ok(Health::limited("in memory")));
    assert_eq!(ready(good, CancellationToken::new()), ["coderun_ready 1"]);
    assert_eq!(
        ready(limited, CancellationToken::new()),
        ["coderun_ready 1"]
    );
}

#[test]
fn it_is_not_ready_where_something_fails_or_it_drains() {
    let away = || {
        Err(StoreError::Unavailable {
            backend: "redis",
            source: "connection refused".into(),
        })
    };
    assert_eq!(ready(away, CancellationToken::new()), ["coderun_ready 0"]);
    let draining = CancellationToken::new();
    draining.cancel();
    assert_eq!(ready(|| Ok(Health::Good), draining), ["coderun_ready 0"]);
}
