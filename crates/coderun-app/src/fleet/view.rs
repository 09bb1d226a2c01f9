//! Merges the offers of all workers into the catalog and limits that hold for each of them.

use coderun_domain::{
    Language, LanguageCatalog, LanguageSpec, LimitPolicy, UnavailableLanguage, WorkerOffer,
};

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
    ignores_buffering: bool,
    offers: Vec<WorkerOffer>,
}

impl FleetView {
    /// The view that these offers make, within `limits`; `None` if none of them knows a language. It names what it lacks of the
    /// languages in `known`.
    #[must_use]
    pub fn of(
        offers: Vec<WorkerOffer>,
        limits: &LimitPolicy,
        known: &[UnavailableLanguage],
    ) -> Option<Self> {
        let has_language = |offer: &&WorkerOffer| !offer.languages.is_empty();
        let knows_language = |offer: &WorkerOffer| !offer.unavailable.is_empty();
        if !offers
            .iter()
            .any(|offer| has_language(&offer) || knows_language(offer))
        {
            return None;
        }
        let able = || offers.iter().filter(has_language);
        let lower = |limits: LimitPolicy, offer: &WorkerOffer| limits.lowered_to(&offer.limits);
        Some(Self {
            catalog: catalog(&offers).with_unavailable(unavailable(&offers, known)),
            limits: able().fold(*limits, lower),
            is_interactive: able().all(|offer| offer.runner.interactive),
            ignores_buffering: able().any(|offer| offer.runner.ignores_buffering),
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
        let unavailable = self.catalog.unavailable().to_vec();
        Self {
            catalog: LanguageCatalog::new(all).with_unavailable(unavailable),
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

    /// Whether a worker ignores the buffering that a submission asks for.
    #[must_use]
    pub const fn ignores_buffering(&self) -> bool {
        self.ignores_buffering
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
fn catalog(offers: &[WorkerOffer]) -> LanguageCatalog {
    let specs = || offers.iter().flat_map(|offer| &offer.languages);
    let mut merged: Vec<LanguageSpec> = Vec::new();
    for spec in offers.iter().flat_map(with_checked_versions) {
        match find(&mut merged, &spec.language) {
            Some(merged) => merge(merged, &spec),
            None => merged.push(spec),
        }
    }
    for merged in &mut merged {
        let same = || specs().filter(|spec| spec.language == merged.language);
        let is_offered = |version: &String| same().any(|spec| spec.versions.contains(version));
        merged.versions.retain(is_offered);
    }
    LanguageCatalog::new(merged)
}

/// The languages of a worker, each with the versions, too, that it is still checking: most likely it will offer them.
fn with_checked_versions(offer: &WorkerOffer) -> impl Iterator<Item = LanguageSpec> {
    offer.languages.iter().map(|spec| {
        let of_language =
            |it: &&UnavailableLanguage| it.language == spec.language && it.is_being_checked();
        let checked = offer.unavailable.iter().filter(of_language);
        let mut spec = spec.clone();
        spec.versions
            .extend(checked.filter_map(|it| it.version.clone()));
        spec
    })
}

/// What workers know and do not run: first that which they may run in a moment, at last that which none of them knows.
fn unavailable(offers: &[WorkerOffer], known: &[UnavailableLanguage]) -> Vec<UnavailableLanguage> {
    let of_offers = offers.iter().flat_map(|offer| &offer.unavailable);
    let mut all: Vec<_> = of_offers.chain(known).cloned().collect();
    all.sort_by_key(|it| !it.is_being_checked());
    all
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
