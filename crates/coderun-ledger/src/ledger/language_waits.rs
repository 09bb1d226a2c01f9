//! Finds executions that wait for a language that no worker offers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use coderun_domain::{ExecutionId, Language, StorePolicy};
use time::OffsetDateTime;

/// The waiting executions by language, and since when sweeps have found no worker for each.
///
/// A sweep looks at each language that something waits for, and at the executions that it ends.
#[derive(Debug, Default)]
pub(crate) struct LanguageWaits {
    by_language: BTreeMap<Language, LanguageWait>,
    swept_at: Option<OffsetDateTime>,
}

#[derive(Debug, Default)]
struct LanguageWait {
    /// When each execution began to wait.
    waiting: BTreeSet<(OffsetDateTime, ExecutionId)>,
    /// The first of the sweeps in a row that found no worker.
    unserved_since: Option<OffsetDateTime>,
}

impl LanguageWaits {
    /// Adds an execution that waits since this time.
    pub(crate) fn insert(&mut self, language: &Language, since: OffsetDateTime, id: ExecutionId) {
        if let Some(wait) = self.by_language.get_mut(language) {
            wait.waiting.insert((since, id));
            return;
        }
        let waits = self.by_language.entry(language.clone()).or_default();
        waits.waiting.insert((since, id));
    }

    /// Removes an execution that was added with this time.
    pub(crate) fn remove(&mut self, language: &Language, since: OffsetDateTime, id: ExecutionId) {
        if let Some(wait) = self.by_language.get_mut(language) {
            wait.waiting.remove(&(since, id));
            // What comes next waits from then on, which is later than what this forgets.
            if wait.waiting.is_empty() {
                self.by_language.remove(language);
            }
        }
    }

    /// Those that have waited this long while sweeps found no worker, at most so many. `is_offered` says whether a worker
    /// has a language now.
    pub(crate) fn unserved(
        &mut self,
        is_offered: impl Fn(&Language) -> bool,
        deadline: Duration,
        now: OffsetDateTime,
        at_most: usize,
    ) -> Vec<ExecutionId> {
        let is_continued = self
            .swept_at
            .is_some_and(|last| now - last <= StorePolicy::SWEEP_PAUSE_MAX);
        self.swept_at = Some(now);
        let mut unserved = Vec::new();
        for (language, wait) in &mut self.by_language {
            if is_offered(language) {
                wait.unserved_since = None;
                continue;
            }
            let earlier = wait.unserved_since.filter(|_| is_continued);
            let since = earlier.unwrap_or(now);
            wait.unserved_since = Some(since);
            if since + deadline <= now {
                let waiting = wait.waiting.iter();
                let due = waiting.take_while(|(since, _)| *since + deadline <= now);
                let more = at_most.saturating_sub(unserved.len());
                unserved.extend(due.map(|(_, id)| *id).take(more));
            }
        }
        unserved
    }

    /// How many executions wait.
    pub(crate) fn len(&self) -> usize {
        let waits = self.by_language.values();
        waits.map(|wait| wait.waiting.len()).sum()
    }
}
