//! Lists every metric of the service.

use coderun_app::metrics::{FORCED_ENDS, QUEUE_WAIT, RUNNER_DURATION, RUNNER_FAILURES, RUNS};
use coderun_firebase::metrics as firebase;
use coderun_http::metrics as http;
use coderun_storage_metrics::STORAGE_DURATION;
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
pub(super) const METRICS: [Metric; 23] = {
    use Kind::{Counter, Gauge, Histogram};
    [
        metric(
            http::REQUESTS,
            Counter,
            &["method", "route", "status"],
            "Requests that were answered",
        ),
        metric(
            http::REQUEST_DURATION,
            Histogram(Buckets::Calls),
            &["method", "route"],
            "From the head of a request to the head of its answer, waiting for a change included",
        ),
        metric(
            http::SOCKETS,
            Gauge,
            &["kind"],
            "Watchers that are connected now: WebSockets, event streams and long polls",
        ),
        metric(
            http::SOCKETS_CLOSED,
            Counter,
            &["code"],
            "Sockets that were closed, by close code; `none` where the client left",
        ),
        metric(
            http::SLOW_WATCHERS,
            Counter,
            &[],
            "Watchers that were cut off because they did not read",
        ),
        metric(
            QUEUE_DEPTH,
            Gauge,
            &["state"],
            "Executions that wait (`pending`) and that workers have (`running`), of all users and processes; NaN where the queue did not say within a second",
        ),
        metric(
            QUEUE_WAIT,
            Histogram(Buckets::Runs),
            &["language"],
            "From submission to the first attempt",
        ),
        metric(
            RUNS,
            Counter,
            &["language", "runner", "verdict"],
            "Executions that a worker of this process recorded the end of; `runner` is `none` where nothing was run",
        ),
        metric(
            FORCED_ENDS,
            Counter,
            &[],
            "Executions that this process ended because they had waited or run too long, or their last worker was lost",
        ),
        metric(
            RUNNER_DURATION,
            Histogram(Buckets::Runs),
            &["language", "runner"],
            "From handing a program to the runner to its report",
        ),
        metric(
            RUNNER_FAILURES,
            Counter,
            &["kind", "runner"],
            "Runs that the runner failed at, not the program",
        ),
        metric(
            STORAGE_DURATION,
            Histogram(Buckets::Calls),
            &["backend", "operation", "result"],
            "Calls of the storage; `result` is `ok`, `refused` (a rule of ours), `unavailable` or `corrupt`",
        ),
        metric(
            http::TOKEN_VERIFICATIONS,
            Counter,
            &["result"],
            "Tokens that were judged: `accepted`, or the reason why not",
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
        metric(
            READY,
            Gauge,
            &[],
            "1 where readiness would be answered with 200 now",
        ),
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
        metric(OPEN_FILES, Gauge, &[], "Files and sockets that it has open"),
        metric(OPEN_FILES_MAX, Gauge, &[], "How many it may have open"),
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
