//! Turns the runtimes that an API lists into the languages that are offered.
//!
//! Where several runtimes have the same language, the preferred implementation comes first, then the newest version. Equal
//! versions keep the API's order, and only the first is kept. The API is untrusted, so everything is bounded.

use std::cmp::Reverse;
use std::collections::HashSet;

use coderun_domain::{Language, LanguageLimits, LanguageSpec};
use coderun_languages::{LanguageEntry, LanguageTable};
use semver::Version;

use super::Runtime;

const LANGUAGES_MAX: usize = 200;
const VERSIONS_PER_LANGUAGE_MAX: usize = 20;
const ALIASES_PER_LANGUAGE_MAX: usize = 20;
const VERSION_BYTES_MAX: usize = 64;

/// The runtimes of an API, in its order.
#[derive(Debug)]
pub(crate) struct RuntimeList {
    /// Those that can be used.
    pub(crate) runtimes: Vec<ListedRuntime>,
    /// How many entries were skipped, because they cannot be used.
    pub(crate) skipped: usize,
}

/// One runtime that an API lists.
#[derive(Debug)]
pub(crate) struct ListedRuntime {
    language: Language,
    version: Version,
    runtime: Runtime,
    /// The API's own names for the language.
    pub(crate) aliases: Vec<String>,
    /// Whether another implementation of the language is preferred.
    pub(crate) is_alternative: bool,
}

/// A language that is offered, and the runtime for each of its versions in the same order.
#[derive(Debug)]
pub(super) struct CatalogEntry {
    pub(super) spec: LanguageSpec,
    pub(super) runtimes: Vec<Runtime>,
}

impl ListedRuntime {
    /// A runtime of the language with this canonical name; `None` if the name or the version is not valid.
    pub(crate) fn new(language: &str, runtime: Runtime) -> Option<Self> {
        if runtime.version.len() > VERSION_BYTES_MAX {
            return None;
        }
        Some(Self {
            language: Language::parse(language).ok()?,
            version: Version::parse(&runtime.version).ok()?,
            runtime,
            aliases: Vec::new(),
            is_alternative: false,
        })
    }

    fn sort_key(&self, table: &LanguageTable) -> impl Ord + use<> {
        let entry = table.find(self.language.as_str());
        (
            entry.map_or(usize::MAX, |(position, _)| position),
            self.language.clone(),
            self.is_alternative,
            Reverse(self.version.clone()),
        )
    }
}

/// Groups the runtimes by language: known languages first, the others by name.
pub(super) fn group_by_language(
    mut runtimes: Vec<ListedRuntime>,
    table: &LanguageTable,
) -> Vec<CatalogEntry> {
    // The sort is stable.
    runtimes.sort_by_cached_key(|listed| listed.sort_key(table));
    let groups = runtimes.chunk_by(|a, b| a.language == b.language);
    let groups: Vec<_> = groups.take(LANGUAGES_MAX).collect();
    // Languages beyond the bound count as well: no alias may stand for one of them.
    let mut taken_names: HashSet<String> = runtimes
        .iter()
        .map(|listed| listed.language.to_string())
        .collect();
    groups
        .into_iter()
        .filter_map(|group| build_entry(group, table, &mut taken_names))
        .collect()
}

fn build_entry(
    group: &[ListedRuntime],
    table: &LanguageTable,
    taken_names: &mut HashSet<String>,
) -> Option<CatalogEntry> {
    let first = group.first()?;
    let entry = table.find(first.language.as_str());
    let defaults = entry.map(|(_, defaults)| defaults);
    let mut versions = HashSet::new();
    let runtimes = group.iter().map(|listed| &listed.runtime);
    let runtimes: Vec<_> = runtimes
        .filter(|runtime| versions.insert(&runtime.version))
        .take(VERSIONS_PER_LANGUAGE_MAX)
        .cloned()
        .collect();
    let entry_file = defaults.map_or_else(
        || format!("main.{}", first.language),
        |defaults| defaults.file.clone(),
    );
    Some(CatalogEntry {
        spec: LanguageSpec {
            language: first.language.clone(),
            aliases: aliases(group, defaults, taken_names),
            versions: runtimes.iter().map(|it| it.version.clone()).collect(),
            entry_file,
            example: defaults.map_or_else(String::new, |defaults| defaults.example.clone()),
            limits: defaults
                .map_or_else(LanguageLimits::default, |defaults| defaults.limits.into()),
        },
        runtimes,
    })
}

/// The built-in aliases first, then those of the API. An alias that another language uses already is dropped.
fn aliases(
    group: &[ListedRuntime],
    defaults: Option<&LanguageEntry>,
    taken_names: &mut HashSet<String>,
) -> Vec<String> {
    let builtin = defaults.into_iter().flat_map(|defaults| &defaults.aliases);
    let listed = group
        .iter()
        .flat_map(|listed| listed.aliases.iter().chain([&listed.runtime.language]));
    builtin
        .chain(listed)
        .map(|alias| alias.to_ascii_lowercase())
        .filter(|alias| Language::parse(alias).is_ok() && taken_names.insert(alias.clone()))
        .take(ALIASES_PER_LANGUAGE_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runtimes: Vec<ListedRuntime>) -> Vec<CatalogEntry> {
        group_by_language(runtimes, &LanguageTable::built_in())
    }

    fn listed(language: &str, version: &str) -> ListedRuntime {
        let runtime = Runtime {
            language: language.to_owned(),
            version: version.to_owned(),
        };
        ListedRuntime::new(language, runtime).unwrap()
    }

    #[test]
    fn the_newest_version_comes_first() {
        let versions = ["3.9.4", "3.12.0", "3.12.0-rc.1", "2.7.18"];
        let offers = of(versions.map(|version| listed("python", version)).into());
        let expected = ["3.12.0", "3.12.0-rc.1", "3.9.4", "2.7.18"];
        assert_eq!(offers[0].spec.versions, expected);
        let runtimes = offers[0].runtimes.iter();
        assert!(runtimes.map(|runtime| &runtime.version).eq(expected));
    }

    #[test]
    fn the_preferred_implementation_comes_first() {
        let second = ListedRuntime {
            is_alternative: true,
            ..listed("javascript", "99.0.0")
        };
        let offers = of(vec![
            second,
            listed("javascript", "18.15.0"),
            listed("javascript", "20.11.1"),
        ]);
        assert_eq!(offers[0].spec.versions, ["20.11.1", "18.15.0", "99.0.0"]);
    }

    #[test]
    fn two_runtimes_of_the_same_version_are_one() {
        let mut offers = of(vec![listed("c", "10.2.0"), listed("c", "10.2.0")]);
        assert_eq!(offers.remove(0).spec.versions, ["10.2.0"]);
    }

    #[test]
    fn an_alias_means_one_language_and_never_the_name_of_another() {
        let list = |name: &str, aliases: &[&str]| ListedRuntime {
            aliases: aliases.iter().map(ToString::to_string).collect(),
            ..listed(name, "10.2.0")
        };
        let offers = of(vec![
            list("cpp", &["cpp", "same", "d", "visual basic"]),
            list("d", &["same"]),
        ]);
        assert_eq!(offers[0].spec.aliases, ["c++", "cxx", "g++", "same"]);
        assert_eq!(offers[1].spec.aliases, [] as [&str; 0]);
    }

    #[test]
    fn known_languages_come_first() {
        let list = ["zig", "bash", "awk", "python"];
        let offers = of(list.map(|name| listed(name, "1.0.0")).into());
        let names = offers.iter().map(|offer| offer.spec.language.as_str());
        assert!(names.eq(["python", "bash", "awk", "zig"]));
    }

    #[test]
    fn what_is_offered_of_a_long_list_is_bounded() {
        let many = (0..LANGUAGES_MAX + 5).map(|number| listed(&format!("l{number}"), "1.0.0"));
        assert_eq!(of(many.collect()).len(), LANGUAGES_MAX);
        let many = (0..100).map(|number| {
            let aliases = vec![format!("a{number}")];
            ListedRuntime {
                aliases,
                ..listed("x", &format!("1.{number}.0"))
            }
        });
        let offers = of(many.collect());
        let spec = &offers[0].spec;
        assert_eq!(spec.versions.len(), VERSIONS_PER_LANGUAGE_MAX);
        assert_eq!(spec.versions[0], "1.99.0");
        assert_eq!(spec.aliases.len(), ALIASES_PER_LANGUAGE_MAX);
    }
}
