//! What is known of a Piston: its languages, the limits that it takes, and how old that is.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coderun_domain::{ByteSize, Language, LanguageSpec, Limits};
use tokio::time::Instant;

use super::limits::{Cap, Caps, LimitField};
use super::runtimes::{Listing, Offer, Runtime};

/// A list is believed for so many refresh intervals after Piston confirmed it.
const BELIEVED_INTERVALS: u32 = 5;

/// What is known of a Piston.
#[derive(Debug)]
pub(super) struct Known {
    believed_for: Duration,
    /// What the operator says about the output; it is believed.
    output_max: Option<ByteSize>,
    facts: Mutex<Facts>,
}

#[derive(Debug, Default)]
struct Facts {
    offers: Vec<Offer>,
    confirmed: Option<Instant>,
    caps: HashMap<Runtime, Caps>,
    /// Runtimes whose caps were asked for since Piston was last away.
    asked: HashSet<Runtime>,
    output: OutputCap,
}

/// What Piston keeps of each stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum OutputCap {
    /// Nobody has tried since Piston was last away; this was found before.
    #[default]
    Untried,
    /// It was tried, and this is what is known, if anything.
    Tried(Option<ByteSize>),
    /// It is to be tried again; this was found before.
    Again(Option<ByteSize>),
}

/// What runs a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) runtime: Runtime,
    pub(super) entry_file: String,
    pub(super) caps: Caps,
}

/// Why nothing runs a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotFound {
    /// Piston does not list it.
    Unlisted,
    /// There is no list to be believed.
    NoList,
}

impl Known {
    pub(super) fn new(refresh_interval: Duration, output_max: Option<ByteSize>) -> Self {
        Self {
            believed_for: refresh_interval.saturating_mul(BELIEVED_INTERVALS),
            output_max,
            facts: Mutex::default(),
        }
    }

    /// Believes a list that has anything in it.
    pub(super) fn take_over(&self, listing: Listing) {
        let mut facts = self.lock();
        let runtimes = listing.offers.iter().flat_map(|offer| &offer.runtimes);
        let listed: HashSet<&Runtime> = runtimes.collect();
        facts.caps.retain(|runtime, _| listed.contains(runtime));
        facts.asked.retain(|runtime| listed.contains(runtime));
        facts.offers = listing.offers;
        facts.confirmed = Some(Instant::now());
    }

    /// Piston was away: it may have come back with other limits. What was known is believed until it is asked again.
    pub(super) fn ask_again(&self) {
        let mut facts = self.lock();
        facts.asked.clear();
        facts.output = OutputCap::Again(facts.output.known());
    }

    /// The languages, as long as the list is believed.
    pub(super) fn languages(&self) -> Vec<LanguageSpec> {
        let facts = self.lock();
        if !self.is_believed(&facts) {
            return Vec::new();
        }
        facts
            .offers
            .iter()
            .map(|offer| offer.spec.clone())
            .collect()
    }

    /// What runs this language in this version, or in the first one.
    pub(super) fn find(
        &self,
        language: &Language,
        version: Option<&str>,
    ) -> Result<Found, NotFound> {
        let facts = self.lock();
        if !self.is_believed(&facts) {
            return Err(NotFound::NoList);
        }
        let mut offers = facts.offers.iter();
        let offer = offers.find(|offer| offer.spec.language == *language);
        let offer = offer.ok_or(NotFound::Unlisted)?;
        let is_wanted =
            |runtime: &&Runtime| version.is_none_or(|version| runtime.version == version);
        let runtime = offer.runtimes.iter().find(is_wanted);
        let runtime = runtime.ok_or(NotFound::Unlisted)?;
        Ok(Found {
            runtime: runtime.clone(),
            entry_file: offer.spec.entry_file.clone(),
            caps: facts.caps.get(runtime).copied().unwrap_or_default(),
        })
    }

    /// The greatest limits that every runtime takes, as far as they are known.
    pub(super) fn maximum_limits(&self) -> Option<Limits> {
        let facts = self.lock();
        let caps = facts.caps.values().copied();
        let lowest = caps.reduce(Caps::lower).unwrap_or_default();
        lowest.maximum_limits(self.output_max.or_else(|| facts.output.known()))
    }

    /// The runtimes whose caps were not asked for.
    pub(super) fn unasked(&self) -> Vec<Runtime> {
        let facts = self.lock();
        let runtimes = facts.offers.iter().flat_map(|offer| &offer.runtimes);
        runtimes
            .filter(|runtime| !facts.asked.contains(runtime))
            .cloned()
            .collect()
    }

    /// These are the caps of a runtime.
    pub(super) fn learn_caps(&self, runtime: Runtime, caps: Caps) {
        let mut facts = self.lock();
        facts.asked.insert(runtime.clone());
        facts.caps.insert(runtime, caps);
    }

    /// A run has met this cap, so the others may have changed, too.
    pub(super) fn learn_cap(&self, runtime: &Runtime, field: LimitField, max: u64) {
        let mut facts = self.lock();
        facts.asked.remove(runtime);
        let caps = facts.caps.entry(runtime.clone()).or_default();
        *caps = caps.with(field, Cap::At(max));
    }

    /// Whether the cap on output is still to be tried.
    pub(super) fn wants_output_cap(&self) -> bool {
        self.output_max.is_none() && !matches!(self.lock().output, OutputCap::Tried(_))
    }

    /// So much of each stream is kept, if that could be found out.
    pub(super) fn learn_output_cap(&self, found: Option<ByteSize>) {
        let mut facts = self.lock();
        facts.output = OutputCap::Tried(found.or_else(|| facts.output.known()));
    }

    fn is_believed(&self, facts: &Facts) -> bool {
        let confirmed = facts.confirmed;
        confirmed.is_some_and(|confirmed| confirmed.elapsed() < self.believed_for)
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputCap {
    const fn known(self) -> Option<ByteSize> {
        match self {
            Self::Untried => None,
            Self::Tried(known) | Self::Again(known) => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing;
    use serde_json::json;

    use super::super::runtimes;
    use super::*;

    const INTERVAL: Duration = Duration::from_mins(1);

    fn listing(versions: &[&str]) -> Listing {
        let entry = |version: &&str| json!({"language": "python", "version": version});
        let list: Vec<_> = versions.iter().map(entry).collect();
        runtimes::read(json!(list).to_string().as_bytes()).unwrap()
    }

    fn known() -> Known {
        let known = Known::new(INTERVAL, None);
        known.take_over(listing(&["3.12.0", "3.9.4"]));
        known
    }

    fn version(known: &Known, version: Option<&str>) -> Result<String, NotFound> {
        let found = known.find(&testing::language("python"), version);
        found.map(|found| found.runtime.version)
    }

    #[tokio::test]
    async fn a_version_is_exactly_the_one_or_the_first() {
        let known = known();
        assert_eq!(version(&known, None), Ok("3.12.0".to_owned()));
        assert_eq!(version(&known, Some("3.9.4")), Ok("3.9.4".to_owned()));
        assert_eq!(version(&known, Some("3.9")), Err(NotFound::Unlisted));
        let cobol = known.find(&testing::language("cobol"), None);
        assert_eq!(cobol, Err(NotFound::Unlisted));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_believed_for_a_while_and_not_for_ever() {
        let known = known();
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(known.languages().len(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(known.languages(), []);
        assert_eq!(version(&known, None), Err(NotFound::NoList));
        known.take_over(listing(&["3.12.0"]));
        assert_eq!(known.languages().len(), 1);
    }

    #[tokio::test]
    async fn caps_outlive_a_list_and_are_asked_again_after_an_absence() {
        let known = known();
        let runtime = known.unasked().remove(0);
        let caps = Caps::default().with(LimitField::RunTimeout, Cap::At(3000));
        known.learn_caps(runtime.clone(), caps);
        assert!(!known.unasked().contains(&runtime));
        known.take_over(listing(&["3.12.0"]));
        assert_eq!(known.unasked(), []);
        known.ask_again();
        assert_eq!(known.unasked(), [runtime]);
        let maximum = known.maximum_limits().unwrap();
        assert_eq!(maximum.run.wall_time(), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn the_cap_on_output_is_tried_once_and_again_after_an_absence() {
        let known = known();
        assert!(known.wants_output_cap());
        known.learn_output_cap(Some(ByteSize::from_kib(1)));
        assert!(!known.wants_output_cap());
        known.ask_again();
        assert!(known.wants_output_cap());
        known.learn_output_cap(None);
        let maximum = known.maximum_limits().unwrap();
        assert_eq!(maximum.storage.output(), ByteSize::from_kib(1));
    }

    #[tokio::test]
    async fn what_the_operator_says_of_the_output_is_not_tried() {
        let known = Known::new(INTERVAL, Some(ByteSize::from_kib(64)));
        assert!(!known.wants_output_cap());
        let maximum = known.maximum_limits().unwrap();
        assert_eq!(maximum.storage.output(), ByteSize::from_kib(64));
    }
}
