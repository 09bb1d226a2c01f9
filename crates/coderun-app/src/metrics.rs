//! Records how executions wait, run and end, through the `metrics` facade.
//!
//! Label values are languages, runners and words of the code: never a user, an id or anything else without a bound.

use std::time::Duration;

use coderun_domain::{Execution, Outcome, Report, RunnerError};
use metrics::{counter, histogram};

/// Histogram of the seconds from submission to the first attempt, by `language`.
pub const QUEUE_WAIT: &str = "coderun_queue_wait_seconds";
/// Counter of executions whose end a worker of this process recorded, by `language`, `runner` and `verdict`.
pub const RUNS: &str = "coderun_runs_total";
/// Counter of executions that a sweeper of this process ended.
pub const FORCED_ENDS: &str = "coderun_forced_ends_total";
/// Histogram of the seconds from the call of the runner to its report, by `language` and `runner`.
pub const RUNNER_DURATION: &str = "coderun_runner_duration_seconds";
/// Counter of runs at which the runner failed, by `kind` and `runner`.
pub const RUNNER_FAILURES: &str = "coderun_runner_failures_total";

/// The label `runner` of an execution that no runner has reported on.
const NO_RUNNER: &str = "none";

/// Records the wait of an execution that was taken for the first time; later attempts waited for a lost worker, too.
pub(crate) fn record_taken(execution: &Execution) {
    let progress = execution.progress();
    if let (1, Some(started_at)) = (progress.attempt().count(), progress.started_at()) {
        // Two processes whose clocks differ may have written these times.
        let waited = (started_at - progress.created_at()).as_seconds_f64();
        histogram!(QUEUE_WAIT, "language" => language(execution)).record(waited.max(0.0));
    }
}

/// Counts an execution whose end was stored.
pub(crate) fn record_finished(execution: &Execution, outcome: &Outcome) {
    let runner = outcome.report().map_or(NO_RUNNER, |report| &report.runner);
    counter!(
        RUNS,
        "language" => language(execution),
        "runner" => runner.to_owned(),
        "verdict" => outcome.verdict().as_str(),
    )
    .increment(1);
}

/// Records what a runner answered, and after what time.
pub(crate) fn record_run(
    execution: &Execution,
    runner: String,
    result: &Result<Report, RunnerError>,
    duration: Duration,
) {
    match result {
        Ok(_) => {
            histogram!(RUNNER_DURATION, "language" => language(execution), "runner" => runner)
                .record(duration);
        }
        Err(error) => {
            counter!(RUNNER_FAILURES, "kind" => kind(error), "runner" => runner).increment(1);
        }
    }
}

/// Counts the executions that a sweep ended; the first sweep makes the counter, also if it ended none.
pub(crate) fn record_sweep(ended: usize) {
    counter!(FORCED_ENDS).increment(u64::try_from(ended).unwrap_or(u64::MAX));
}

fn language(execution: &Execution) -> String {
    execution.submission().language().as_str().to_owned()
}

const fn kind(error: &RunnerError) -> &'static str {
    match error {
        RunnerError::Unsupported { .. } => "unsupported",
        RunnerError::Overloaded { .. } => "overloaded",
        RunnerError::Unavailable { .. } => "unavailable",
        RunnerError::Broken { .. } => "broken",
    }
}
