//! Lists every metric of the service.

use coderun_app::metrics::{FORCED_ENDS, QUEUE_WAIT, RUNNER_DURATION, RUNNER_FAILURES, RUNS};
use coderun_firebase::metrics as firebase;
use coderun_http::metrics as http;
use coderun_storage_metrics::{STORAGE_DURATION, STORAGE_REPAIRS};
use metrics::{describe_counter, describe_gauge, describe_histogram};

/// A metric and what it means.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What tells its series apart.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the documentation, which a test checks")
    )]
    pub(super) labels: &'static [&'static str],
    pub(super) meaning: &'static str,
}

/// What can be done with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations, counted by these upper bounds.
    Histogram(Buckets),
}

/// Bounds for durations of one order of magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Buckets {
    /// Calls that should take microseconds to milliseconds.
    Calls,
    /// Runs and waits, which take milliseconds to minutes.
    Runs,
}

impl Buckets {
    /// The bounds, in seconds.
    pub(super) const fn bounds(self) -> &'static [f64] {
        match self {
            Self::Calls => &[
                0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                0.5, 1.0, 2.5, 5.0, 10.0,
            ],
            Self::Runs => &[
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
                300.0, 600.0,
            ],
        }
    }
}

pub(super) const QUEUE_DEPTH: &str = "coderun_queue_depth";
pub(super) const READY: &str = "coderun_ready";
pub(super) const BUILD_INFO: &str = "coderun_build_info";
pub(super) const CPU_TIME: &str = "process_cpu_seconds_total";
pub(super) const MEMORY: &str = "process_resident_memory_bytes";
pub(super) const OPEN_FILES: &str = "process_open_fds";
pub(super) const OPEN_FILES_MAX: &str = "process_max_fds";

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        meaning,
    }
}

/// All of them, in the order of the documentation.
pub(super) const METRICS: [Metric; 24] = {
    use Kind::{Counter, Gauge, Histogram};
    [
        metric(
            http::REQUESTS,
            Counter,
            &["method", "route", "status"],
            "Answered requests",
        ),
        metric(
            http::REQUEST_DURATION,
            Histogram(Buckets::Calls),
            &["method", "route"],
            "Time from the head of a request to the head of its answer, including the wait of a long poll",
        ),
        metric(
            http::SOCKETS,
            Gauge,
            &["kind"],
            "Connected watchers: WebSockets, event streams, long polls and readers of large records",
        ),
        metric(
            http::SOCKETS_CLOSED,
            Counter,
            &["code"],
            "Closed sockets, by close code; `none` if the client disconnected",
        ),
        metric(
            http::SLOW_WATCHERS,
            Counter,
            &[],
            "Watchers that were disconnected because they read too slowly",
        ),
        metric(
            QUEUE_DEPTH,
            Gauge,
            &["state"],
            "Executions that are `pending` or `running`, of all users and processes; NaN if the queue did not answer within a second",
        ),
        metric(
            QUEUE_WAIT,
            Histogram(Buckets::Runs),
            &["language"],
            "Time from submission to the first attempt",
        ),
        metric(
            RUNS,
            Counter,
            &["language", "runner", "verdict"],
            "Executions that a worker of this process finished; `runner` is `none` if no program ran",
        ),
        metric(
            FORCED_ENDS,
            Counter,
            &[],
            "Executions that this process ended because they waited or ran too long, had no worker for their language, \
             or lost their last worker",
        ),
        metric(
            RUNNER_DURATION,
            Histogram(Buckets::Runs),
            &["language", "runner"],
            "Time from the call of the runner to its report",
        ),
        metric(
            RUNNER_FAILURES,
            Counter,
            &["kind", "runner"],
            "Runs that failed because of the runner, not the program",
        ),
        metric(
            STORAGE_DURATION,
            Histogram(Buckets::Calls),
            &["backend", "operation", "result"],
            "Duration of storage calls; `result` is `ok`, `refused` (by a rule of the service), `unavailable` or `corrupt`",
        ),
        metric(
            STORAGE_REPAIRS,
            Counter,
            &["backend"],
            "Index entries and counts that contradicted the executions and were repaired; only a loss of data or a defect makes it grow",
        ),
        metric(
            http::TOKEN_VERIFICATIONS,
            Counter,
            &["result"],
            "Verified tokens: `accepted`, or the reason of the refusal",
        ),
        metric(
            firebase::TOKEN_CACHE,
            Counter,
            &["result"],
            "Lookups in the cache of verified tokens: `hit` or `miss`",
        ),
        metric(
            firebase::KEY_FETCHES,
            Counter,
            &["result"],
            "Fetches of signing keys: `ok` or `failed`",
        ),
        metric(
            firebase::KEYS_AGE,
            Gauge,
            &[],
            "Age of the signing keys at their last use; NaN before the first",
        ),
        metric(
            firebase::USER_LOOKUPS,
            Counter,
            &["result"],
            "Lookups of users at Google or the emulator: `ok` or `failed`",
        ),
        metric(READY, Gauge, &[], "1 if the service is ready, else 0"),
        metric(BUILD_INFO, Gauge, &["version"], "Always 1"),
        metric(
            CPU_TIME,
            Counter,
            &[],
            "CPU time of this process, without the programs that it runs",
        ),
        metric(
            MEMORY,
            Gauge,
            &[],
            "Memory of this process, without the programs that it runs",
        ),
        metric(OPEN_FILES, Gauge, &[], "Open files and sockets"),
        metric(
            OPEN_FILES_MAX,
            Gauge,
            &[],
            "Limit of open files and sockets",
        ),
    ]
};

/// Tells the recorder what they mean.
pub(super) fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.meaning),
            Kind::Gauge => describe_gauge!(metric.name, metric.meaning),
            Kind::Histogram(_) => describe_histogram!(metric.name, metric.meaning),
        }
    }
}
