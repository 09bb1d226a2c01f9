//! What is measured of the queue, beside how long it takes.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{at, execution, failed, finished, language, report};
use coderun_domain::{
    ExecutionQueue as _, Lease, MockExecutionQueue, Outcome, Output, QueueError, Swept, Verdict,
    WorkerId,
};

use crate::metrics::MeasuredExecutionQueue;
use crate::metrics::testing::Measured;

fn worker() -> WorkerId {
    WorkerId::parse("worker".to_owned()).unwrap()
}

/// A lease that a worker got so long after the submission.
fn lease(waited_s: u32) -> Lease {
    Lease::new(execution().start(worker(), at(waited_s)).unwrap()).unwrap()
}

/// One that a second worker got.
fn second_lease() -> Lease {
    let execution = lease(1).execution().clone().hand_over(at(2)).unwrap();
    Lease::new(execution.start(worker(), at(90)).unwrap()).unwrap()
}

fn taken(lease: Lease) -> Measured {
    Measured::during(async {
        let mut inner = MockExecutionQueue::new();
        inner.expect_take().return_once(move |_, _| Ok(Some(lease)));
        let queue = MeasuredExecutionQueue::new(Arc::new(inner), "memory");
        let taken = queue.take(&worker(), &[language("python")]).await;
        assert!(taken.unwrap().is_some());
    })
}

#[test]
fn the_first_take_ends_the_wait() {
    let measured = taken(lease(7));
    let text = measured.text();
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
fn a_later_attempt_is_no_wait() {
    let measured = taken(second_lease());
    assert_eq!(measured.lines("coderun_queue_wait_seconds"), [""; 0]);
}

async fn finish(outcomes: &[Outcome], answer: fn() -> Result<(), QueueError>) {
    let mut inner = MockExecutionQueue::new();
    inner.expect_finish().returning(move |_, _| answer());
    let queue = MeasuredExecutionQueue::new(Arc::new(inner), "memory");
    for outcome in outcomes {
        let recorded = queue.finish(&lease(1), outcome).await;
        assert_eq!(recorded.is_ok(), answer().is_ok());
    }
}

#[test]
fn runs_are_counted_by_how_they_were_recorded_to_end() {
    let (output, error_output) = (Output::default(), Output::default());
    let crashed = Outcome::of_run(report(Verdict::RuntimeError), output, error_output, None);
    let outcomes = [finished(), crashed, failed(), finished()];
    let measured = Measured::during(async {
        finish(&outcomes, || Ok(())).await;
        finish(&outcomes, || Err(QueueError::LeaseLost)).await;
    });
    assert_eq!(
        measured.lines("coderun_runs_total"),
        [
            r#"coderun_runs_total{language="python",runner="none",verdict="internal_error"} 1"#,
            r#"coderun_runs_total{language="python",runner="test",verdict="accepted"} 2"#,
            r#"coderun_runs_total{language="python",runner="test",verdict="runtime_error"} 1"#,
        ]
    );
}

#[test]
fn waiting_for_work_is_no_call() {
    let measured = Measured::during(async {
        let mut inner = MockExecutionQueue::new();
        inner.expect_work_available().times(1).return_const(());
        inner.expect_cancel_requested().times(1).return_const(());
        let queue = MeasuredExecutionQueue::new(Arc::new(inner), "memory");
        let waiting = async {
            queue.work_available().await;
            queue.cancel_requested(&lease(1)).await;
        };
        let waiting = tokio::time::timeout(Duration::from_secs(20), waiting);
        waiting.await.expect("it is passed on");
    });
    assert_eq!(measured.lines("coderun_storage"), [""; 0]);
}

#[test]
fn what_a_sweep_ends_is_counted() {
    let measured = Measured::during(async {
        let mut inner = MockExecutionQueue::new();
        inner.expect_sweep().returning(|| {
            Ok(Swept {
                ended: 3,
                expired: 5,
            })
        });
        let queue = MeasuredExecutionQueue::new(Arc::new(inner), "memory");
        for _ in 0..2 {
            queue.sweep().await.unwrap();
        }
    });
    assert_eq!(
        measured.lines("coderun_forced_ends_total"),
        ["coderun_forced_ends_total 6"]
    );
}
