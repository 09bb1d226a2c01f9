//! Merges the offers of all workers into the catalog and limits that hold for each of them.

use coderun_domain::{Language, LanguageCatalog, LanguageSpec, LimitPolicy, WorkerOffer};

/// A snapshot of what the workers can run.
///
/// Any worker that has the language may take an execution. So the catalog has the languages of all workers, but of each
/// only the versions that every worker with this language has, and the limits are the lowest of all. Both also count the
/// workers whose runner is in an outage: an execution may wait for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetView {
    catalog: LanguageCatalog,
    limits: LimitPolicy,
    is_interactive: bool,
    offers: Vec<WorkerOffer>,
}

impl FleetView {
    /// The view that these offers make, within `limits`; `None` if none of them has a language.
    #[must_use]
    pub fn of(offers: Vec<WorkerOffer>, limits: &LimitPolicy) -> Option<Self> {
        let able = || offers.iter().filter(|offer| !offer.languages.is_empty());
        able().next()?;
        let lower = |limits: LimitPolicy, offer: &WorkerOffer| limits.lowered_to(&offer.limits);
        Some(Self {
            catalog: catalog(able().flat_map(|offer| &offer.languages)),
            limits: able().fold(*limits, lower),
            is_interactive: able().all(|offer| offer.runner.interactive),
            offers: working(offers),
        })
    }

    /// The same with those of these languages that no worker offers.
    pub(super) fn with_missing<'a>(self, specs: impl Iterator<Item = &'a LanguageSpec>) -> Self {
        let mut all = self.catalog.specs().to_vec();
        for spec in specs {
            if find(&mut all, &spec.language).is_none() {
                all.push(spec.clone());
            }
        }
        Self {
            catalog: LanguageCatalog::new(all),
            ..self
        }
    }

    /// The same catalog and limits without workers.
    pub(super) fn without_workers(&self) -> Self {
        Self {
            offers: Vec::new(),
            ..self.clone()
        }
    }

    /// The languages that may be submitted.
    #[must_use]
    pub const fn catalog(&self) -> &LanguageCatalog {
        &self.catalog
    }

    /// The limits that every worker allows.
    #[must_use]
    pub const fn limits(&self) -> &LimitPolicy {
        &self.limits
    }

    /// Whether every worker passes input to a program while it runs.
    #[must_use]
    pub const fn is_interactive(&self) -> bool {
        self.is_interactive
    }

    /// The offers of the workers that can run something now, in the order of their ids.
    #[must_use]
    pub fn offers(&self) -> &[WorkerOffer] {
        &self.offers
    }
}

fn working(mut offers: Vec<WorkerOffer>) -> Vec<WorkerOffer> {
    offers.retain(|offer| offer.outage.is_none());
    offers
}

/// Every language once, in the order of first appearance, with what all its specifications have in common.
fn catalog<'a>(specs: impl Iterator<Item = &'a LanguageSpec>) -> LanguageCatalog {
    let mut merged: Vec<LanguageSpec> = Vec::new();
    for spec in specs {
        match find(&mut merged, &spec.language) {
            Some(merged) => merge(merged, spec),
            None => merged.push(spec.clone()),
        }
    }
    LanguageCatalog::new(merged)
}

fn find<'a>(specs: &'a mut [LanguageSpec], language: &Language) -> Option<&'a mut LanguageSpec> {
    specs.iter_mut().find(|spec| spec.language == *language)
}

/// A version is kept if both have it, and a program gets limits under which it runs on both. An alias names the language, so
/// it holds for every worker that has the language.
fn merge(merged: &mut LanguageSpec, other: &LanguageSpec) {
    merged
        .versions
        .retain(|version| other.versions.contains(version));
    let new = |alias: &&String| !merged.aliases.contains(alias);
    let more: Vec<_> = other.aliases.iter().filter(new).cloned().collect();
    merged.aliases.extend(more);
    merged.limits = merged.limits.raised_to(&other.limits);
}
