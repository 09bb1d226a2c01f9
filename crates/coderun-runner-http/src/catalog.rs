//! Keeps the runtimes that an API listed last, for as long as they can be relied on.

mod entries;

use std::time::Duration;

use coderun_domain::{Language, LanguageSpec};
use coderun_languages::LanguageTable;
use parking_lot::Mutex;
use tokio::time::Instant;

pub(crate) use entries::{ListedRuntime, RuntimeList};

use entries::CatalogEntry;

use crate::error::ApiError;

/// A list that was not confirmed for so many refresh intervals is no longer used.
const VALID_INTERVALS: u32 = 5;

const NO_LIST: ApiError = ApiError::Unusable("its languages are not known");

/// What a run is asked of: exactly one runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Runtime {
    /// The API's own name or number of the language.
    pub(crate) language: String,
    /// The exact version.
    pub(crate) version: String,
}

/// The runtimes of one API, as listed last.
#[derive(Debug)]
pub(crate) struct RuntimeCatalog {
    table: LanguageTable,
    valid_for: Duration,
    listed: Mutex<Option<CurrentList>>,
}

#[derive(Debug)]
struct CurrentList {
    at: Instant,
    offers: Vec<CatalogEntry>,
    skipped: usize,
}

impl RuntimeCatalog {
    pub(crate) fn new(table: LanguageTable, refresh_interval: Duration) -> Self {
        Self {
            table,
            valid_for: refresh_interval.saturating_mul(VALID_INTERVALS),
            listed: Mutex::new(None),
        }
    }

    /// Replaces the list, unless the new one is empty: `false` then.
    pub(crate) fn replace(&self, list: RuntimeList) -> bool {
        let skipped = list.skipped;
        let offers = entries::group_by_language(list.runtimes, &self.table);
        let mut listed = self.listed.lock();
        let skipped_before = listed.as_ref().map_or(0, |listed| listed.skipped);
        if skipped > 0 && skipped != skipped_before {
            tracing::warn!(
                entries = skipped,
                "the API lists runtimes that cannot be offered"
            );
        }
        if offers.is_empty() {
            return false;
        }
        *listed = Some(CurrentList {
            at: Instant::now(),
            offers,
            skipped,
        });
        true
    }

    /// The languages, while the list is valid.
    pub(crate) fn languages(&self) -> Vec<LanguageSpec> {
        let specs =
            |offers: &[CatalogEntry]| offers.iter().map(|offer| offer.spec.clone()).collect();
        self.with_offers(specs).unwrap_or_default()
    }

    /// The runtime for this language in this version, or in the first one, and the file name for the code.
    pub(crate) fn find(
        &self,
        language: &Language,
        version: Option<&str>,
    ) -> Result<(Runtime, String), ApiError> {
        let find = |offers: &[CatalogEntry]| {
            let offer = offers.iter().find(|it| it.spec.language == *language)?;
            let is_wanted = |it: &&Runtime| version.is_none_or(|version| it.version == version);
            let runtime = offer.runtimes.iter().find(is_wanted)?;
            Some((runtime.clone(), offer.spec.entry_file.clone()))
        };
        let found = self.with_offers(find).ok_or(NO_LIST)?;
        found.ok_or(ApiError::UnknownRuntime)
    }

    /// Whether programs in this language are run without a compile stage.
    pub(crate) fn is_interpreted(&self, language: &Language) -> bool {
        let entry = self.table.find(language.as_str());
        entry.is_some_and(|(_, entry)| entry.is_interpreted)
    }

    fn with_offers<T>(&self, read: impl FnOnce(&[CatalogEntry]) -> T) -> Option<T> {
        let listed = self.listed.lock();
        let listed = listed.as_ref();
        let valid = listed.filter(|listed| listed.at.elapsed() < self.valid_for);
        valid.map(|listed| read(&listed.offers))
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing;

    use super::*;

    const INTERVAL: Duration = Duration::from_mins(1);

    fn list(versions: &[&str]) -> RuntimeList {
        let runtime = |version: &str| Runtime {
            language: "python".to_owned(),
            version: version.to_owned(),
        };
        let listed = |version: &&str| ListedRuntime::new("python", runtime(version)).unwrap();
        RuntimeList {
            runtimes: versions.iter().map(listed).collect(),
            skipped: 0,
        }
    }

    fn catalog() -> RuntimeCatalog {
        let catalog = RuntimeCatalog::new(LanguageTable::built_in(), INTERVAL);
        assert!(catalog.replace(list(&["3.12.0", "3.9.4"])));
        catalog
    }

    fn version(catalog: &RuntimeCatalog, version: Option<&str>) -> Result<String, ApiError> {
        let found = catalog.find(&testing::language("python"), version);
        found.map(|(runtime, _)| runtime.version)
    }

    #[tokio::test]
    async fn a_version_is_exactly_the_one_or_the_first() {
        let catalog = catalog();
        assert_eq!(version(&catalog, None), Ok("3.12.0".to_owned()));
        assert_eq!(version(&catalog, Some("3.9.4")), Ok("3.9.4".to_owned()));
        assert_eq!(
            version(&catalog, Some("3.9")),
            Err(ApiError::UnknownRuntime)
        );
        let cobol = catalog.find(&testing::language("cobol"), None);
        assert_eq!(cobol, Err(ApiError::UnknownRuntime));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_valid_for_a_while_and_not_for_ever() {
        let catalog = catalog();
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(catalog.languages().len(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(catalog.languages(), []);
        assert_eq!(version(&catalog, None), Err(NO_LIST));
        assert!(catalog.replace(list(&["3.12.0"])));
        assert_eq!(catalog.languages().len(), 1);
    }
}
