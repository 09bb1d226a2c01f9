//! How runs end.

use std::sync::{Arc, Mutex, PoisonError};

use coderun_domain::{Language, Outcome, Verdict};
use metrics::{Counter, counter};

use super::catalog::RUNS;
use super::per_language::PerLanguage;

/// The runner of an execution that nothing was run for.
const NO_RUNNER: &str = "none";

/// Counts the ends of runs, by language, verdict and runner.
#[derive(Debug)]
pub(super) struct RunCounters(PerLanguage<Arc<Mutex<Vec<RunCounter>>>>);

/// A verdict and a runner, of one language.
struct RunCounter {
    verdict: Verdict,
    runner: String,
    count: Counter,
}

impl RunCounters {
    pub(super) fn new() -> Self {
        Self(PerLanguage::new())
    }

    /// Counts one that ended like this.
    pub(super) fn ended(&self, language: &Language, outcome: &Outcome) {
        let verdict = outcome.verdict();
        let report = outcome.report();
        let runner = report.map_or(NO_RUNNER, |report| report.runner.as_str());
        let counters = self.0.get(language, Arc::default);
        let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counters
            .iter()
            .find(|known| known.verdict == verdict && known.runner == runner);
        if let Some(known) = known {
            known.count.increment(1);
            return;
        }
        let count = counter!(
            RUNS,
            "language" => language.as_str().to_owned(),
            "runner" => runner.to_owned(),
            "verdict" => verdict.as_str(),
        );
        count.increment(1);
        counters.push(RunCounter {
            verdict,
            runner: runner.to_owned(),
            count,
        });
    }
}
