//! Tests the metrics that a worker records.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::support::Harness;
use crate::metrics::{QUEUE_WAIT, RUNNER_DURATION, RUNNER_FAILURES, RUNS};
use crate::testing::{lines_of, recorded};

/// Runs these programs, one after the other.
fn recorded_of(programs: &'static [&str]) -> Vec<String> {
    recorded(async {
        let harness = Harness::started();
        for program in programs {
            let id = harness.submit(program).await;
            harness.final_state(id).await;
        }
    })
}

#[test]
fn runs_are_counted_by_language_runner_and_verdict() {
    let lines = recorded_of(&["print a", "print b", "unsupported"]);
    assert_eq!(
        lines_of(RUNS, &lines),
        [
            r#"coderun_runs_total{language="python",runner="none",verdict="rejected"} 1"#,
            r#"coderun_runs_total{language="python",runner="test",verdict="accepted"} 2"#,
        ]
    );
}

#[test]
fn a_run_is_counted_once_although_its_first_end_was_refused() {
    let lines = recorded(async {
        let harness = Harness::new();
        let _worker = harness.start_flaky(|queue| queue.gaps.store(1, Ordering::SeqCst));
        let id = harness.submit("print first\nsleep 1").await;
        let ended = harness.final_state(id).await;
        assert_eq!(ended.attempt().count(), 2);
    });
    let runs = r#"coderun_runs_total{language="python",runner="test",verdict="accepted"} 1"#;
    assert_eq!(lines_of(RUNS, &lines), [runs]);
}

#[test]
fn the_first_attempt_ends_the_wait_and_later_ones_are_no_waits() {
    let lines = recorded(async {
        let harness = Harness::new();
        let id = harness.submit("unavailable").await;
        tokio::time::sleep(Duration::from_secs(7)).await;
        let _worker = harness.start("w1");
        let ended = harness.final_state(id).await;
        assert_eq!(ended.attempt().count(), 2);
    });
    assert_eq!(
        lines_of(QUEUE_WAIT, &lines),
        [
            r#"coderun_queue_wait_seconds_count{language="python"} 1"#,
            r#"coderun_queue_wait_seconds_sum{language="python"} 7"#,
        ]
    );
}

#[test]
fn runner_durations_are_recorded_by_language_and_runner() {
    let lines = recorded_of(&["sleep 2", "sleep 1"]);
    assert_eq!(
        lines_of(RUNNER_DURATION, &lines),
        [
            r#"coderun_runner_duration_seconds_count{language="python",runner="scripted"} 2"#,
            r#"coderun_runner_duration_seconds_sum{language="python",runner="scripted"} 3"#,
        ]
    );
    assert_eq!(lines_of(RUNNER_FAILURES, &lines), [""; 0]);
}

#[test]
fn runner_failures_are_counted_by_kind() {
    let lines = recorded_of(&["unavailable", "unsupported", "overloaded"]);
    let mut failures = lines_of(RUNNER_FAILURES, &lines);
    let overloaded = r#"coderun_runner_failures_total{kind="overloaded",runner="scripted"} "#;
    assert!(failures.remove(0).starts_with(overloaded));
    assert_eq!(
        failures,
        [
            r#"coderun_runner_failures_total{kind="unavailable",runner="scripted"} 2"#,
            r#"coderun_runner_failures_total{kind="unsupported",runner="scripted"} 1"#,
        ]
    );
    assert_eq!(lines_of(RUNNER_DURATION, &lines), [""; 0]);
}
