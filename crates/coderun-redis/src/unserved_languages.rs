//! Remembers which languages no worker has offered for long, while something waits for them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use coderun_domain::StorePolicy;
use parking_lot::Mutex;
use time::OffsetDateTime;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;

/// The languages that workers offer; a sweep reads them once, if something waits.
pub(crate) type OfferedLanguages = BTreeSet<String>;

/// What the sweeps of this process have found.
#[derive(Debug, Default)]
pub(crate) struct UnservedLanguages(Mutex<BTreeMap<(usize, String), UnservedLanguage>>);

/// A language that something waits for in a partition, and that no worker offers.
#[derive(Debug)]
struct UnservedLanguage {
    /// The first and the last of the sweeps in a row that found no worker.
    since: OffsetDateTime,
    seen_at: OffsetDateTime,
}

impl UnservedLanguages {
    /// Notes what a sweep of a partition has found, and returns the languages that no worker has offered for this long.
    fn note(
        &self,
        partition: usize,
        unserved: &BTreeSet<String>,
        deadline: Duration,
        now: OffsetDateTime,
    ) -> Vec<String> {
        let mut languages = self.0.lock();
        languages.retain(|(index, language), _| *index != partition || unserved.contains(language));
        let mut overdue = Vec::new();
        for language in unserved {
            let found =
                languages
                    .entry((partition, language.clone()))
                    .or_insert(UnservedLanguage {
                        since: now,
                        seen_at: now,
                    });
            // In a long pause the store was not available, so that no worker could announce itself.
            if now - found.seen_at > StorePolicy::SWEEP_PAUSE_MAX {
                found.since = now;
            }
            found.seen_at = now;
            if found.since + deadline <= now {
                overdue.push(language.clone());
            }
        }
        overdue
    }
}

impl RedisBackend {
    /// Those of the languages that no worker has offered for as long as the policy allows.
    pub(crate) async fn unserved_languages(
        &self,
        partition: Partition,
        waiting_for: Vec<String>,
        offered: &mut Option<OfferedLanguages>,
    ) -> Result<Vec<String>, AdapterError> {
        let mut unserved: BTreeSet<String> = waiting_for.into_iter().collect();
        if !unserved.is_empty() {
            let offered = match offered {
                Some(offered) => offered,
                None => offered.insert(self.offered_languages().await?),
            };
            unserved.retain(|language| !offered.contains(language));
        }
        let deadline = self.shared.policy.no_worker_deadline;
        let languages = &self.shared.unserved_languages;
        Ok(languages.note(partition.index(), &unserved, deadline, self.now()))
    }

    async fn offered_languages(&self) -> Result<OfferedLanguages, AdapterError> {
        let offers = self.current_offers().await?;
        let languages = offers.into_iter().flat_map(|offer| offer.languages);
        Ok(languages
            .map(|spec| spec.language.as_str().to_owned())
            .collect())
    }
}
