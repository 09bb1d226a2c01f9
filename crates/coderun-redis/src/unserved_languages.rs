//! Remembers which languages no worker has offered for long, while something waits for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use coderun_domain::StorePolicy;
use parking_lot::Mutex;
use time::OffsetDateTime;

/// The languages that workers offer; a sweep reads them once, if something waits.
pub(crate) type OfferedLanguages = BTreeSet<String>;

/// What the sweeps of this process have found, by the index of the partition.
#[derive(Debug, Default)]
pub(crate) struct UnservedLanguages(Mutex<HashMap<usize, LastSweep>>);

/// What the last sweep of a partition has found.
#[derive(Debug)]
struct LastSweep {
    at: OffsetDateTime,
    /// The languages without a worker, and the first of the sweeps in a row that found none.
    unserved: BTreeMap<String, OffsetDateTime>,
}

impl UnservedLanguages {
    /// Notes in which languages something waits that no worker offers, and returns those for which that is so for this long.
    pub(crate) fn note(
        &self,
        partition: usize,
        unserved: Vec<String>,
        deadline: Duration,
        now: OffsetDateTime,
    ) -> Vec<String> {
        let mut sweeps = self.0.lock();
        // In a long pause the store was not available, so that no worker could announce itself.
        let earlier = sweeps.remove(&partition);
        let earlier = earlier.filter(|last| now - last.at <= StorePolicy::SWEEP_PAUSE_MAX);
        let earlier = earlier.map(|last| last.unserved).unwrap_or_default();
        let unserved = unserved.into_iter().map(|language| {
            let since = earlier.get(&language).copied().unwrap_or(now);
            (language, since)
        });
        let unserved: BTreeMap<_, _> = unserved.collect();
        let overdue = unserved
            .iter()
            .filter(|(_, since)| **since + deadline <= now);
        let overdue = overdue.map(|(language, _)| language.clone()).collect();
        sweeps.insert(partition, LastSweep { at: now, unserved });
        overdue
    }
}
