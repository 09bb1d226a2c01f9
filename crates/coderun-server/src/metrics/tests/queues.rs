//! What is recorded of the queue, beside how long it takes.

use std::sync::Arc;
use std::time::Duration;

use coderun_app::metrics::QUEUE_WAIT;
use coderun_domain::testing::{at, execution};
use coderun_domain::{ExecutionQueue as _, Lease, MockExecutionQueue, WorkerId};
use metrics::histogram;

use crate::metrics::MeasuredExecutionQueue;
use crate::metrics::testing::Recorded;

#[test]
fn waits_are_counted_in_buckets_up_to_minutes() {
    let recorded = Recorded::during(async {
        histogram!(QUEUE_WAIT, "language" => "python").record(7.0);
    });
    let text = recorded.text();
    for line in [
        r#"coderun_queue_wait_seconds_sum{language="python"} 7"#,
        r#"coderun_queue_wait_seconds_count{language="python"} 1"#,
        r#"coderun_queue_wait_seconds_bucket{language="python",le="5"} 0"#,
        r#"coderun_queue_wait_seconds_bucket{language="python",le="10"} 1"#,
    ] {
        assert!(
            text.contains(&format!("{line}\n")),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn waiting_for_work_is_no_call() {
    let recorded = Recorded::during(async {
        let mut inner = MockExecutionQueue::new();
        inner.expect_work_available().times(1).return_const(());
        inner.expect_cancel_requested().times(1).return_const(());
        let queue = MeasuredExecutionQueue::new(Arc::new(inner), "memory");
        let worker = WorkerId::parse("worker").unwrap();
        let lease = Lease::new(execution().start(worker, at(1)).unwrap()).unwrap();
        let waiting = async {
            queue.work_available().await;
            queue.cancel_requested(&lease).await;
        };
        let waiting = tokio::time::timeout(Duration::from_secs(20), waiting);
        waiting.await.expect("it is passed on");
    });
    assert_eq!(recorded.lines("coderun_storage"), [""; 0]);
}
