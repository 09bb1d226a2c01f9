//! From the runtimes that Piston lists to the languages that are offered.
//!
//! A runtime is asked for by Piston's own name of its language and its exact version. Where several runtimes have the same
//! language, the package that programs are commonly written for comes first, then a package of the language's own, then
//! the newest version; of two with the same version only the first can be asked for.

use std::cmp::Reverse;
use std::collections::HashSet;

use coderun_domain::{Language, LanguageSpec};
use semver::Version;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::response::Malformed;
use crate::languages::{WELL_KNOWN, WellKnown, by_piston_name};

/// More runtimes than this are not looked at.
const ENTRIES_MAX: usize = 2000;
/// More languages than this are not offered.
const LANGUAGES_MAX: usize = 200;
/// More versions of one language than this are not offered.
const VERSIONS_MAX: usize = 20;
/// More aliases of one language than this are not taken over.
const ALIASES_MAX: usize = 20;
/// The longest version, in bytes.
const VERSION_BYTES_MAX: usize = 64;

/// What a run is asked of: exactly one runtime.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Runtime {
    /// Piston's own name of the language.
    pub(super) language: String,
    /// The exact version.
    pub(super) version: String,
}

/// A language that is offered, and what runs each of its versions, in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) spec: LanguageSpec,
    pub(super) runtimes: Vec<Runtime>,
}

/// What a list came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    /// Well-known languages first, the others by name.
    pub(super) offers: Vec<Offer>,
    /// How many entries could not be used.
    pub(super) left_out: usize,
}

/// One entry of `/runtimes`.
#[derive(Deserialize)]
struct Entry {
    language: String,
    version: String,
    #[serde(default)]
    aliases: Vec<String>,
    /// The package that it is part of, where that is not the language's own.
    runtime: Option<String>,
}

/// An entry that can be used.
struct Usable {
    entry: Entry,
    name: Language,
    version: Version,
    known: Option<&'static WellKnown>,
}

/// Reads the answer to `/runtimes`. An entry that cannot be used is left out; the others count.
pub(super) fn read(body: &[u8]) -> Result<Listing, Malformed> {
    let entries: Vec<&RawValue> = serde_json::from_slice(body)?;
    let usable: Vec<Usable> = entries
        .iter()
        .take(ENTRIES_MAX)
        .filter_map(|entry| usable(entry))
        .collect();
    let left_out = entries.len().saturating_sub(usable.len());
    Ok(Listing {
        offers: offers(usable),
        left_out,
    })
}

fn usable(entry: &RawValue) -> Option<Usable> {
    let entry: Entry = serde_json::from_str(entry.get()).ok()?;
    if entry.version.len() > VERSION_BYTES_MAX {
        return None;
    }
    let known = by_piston_name(&entry.language);
    let name = known.map_or_else(
        || Language::parse(&entry.language.to_ascii_lowercase()),
        |known| Language::parse(known.name),
    );
    Some(Usable {
        name: name.ok()?,
        version: Version::parse(&entry.version).ok()?,
        known,
        entry,
    })
}

fn offers(mut usable: Vec<Usable>) -> Vec<Offer> {
    // The sort is stable: of equal ones Piston's first comes first, as it does when Piston chooses.
    usable.sort_by(|one, other| one.order().cmp(&other.order()));
    let mut groups: Vec<Vec<Usable>> = Vec::new();
    for runtime in usable {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|it| it.name == runtime.name) => {
                group.push(runtime);
            }
            _ => groups.push(vec![runtime]),
        }
    }
    groups.truncate(LANGUAGES_MAX);
    let mut taken: HashSet<String> = groups
        .iter()
        .filter_map(|group| Some(group.first()?.name.as_str().to_owned()))
        .collect();
    groups
        .iter()
        .filter_map(|group| offer(group, &mut taken))
        .collect()
}

impl Usable {
    fn order(&self) -> impl Ord {
        let place = WELL_KNOWN
            .iter()
            .position(|known| known.name == self.name.as_str());
        let package = self.entry.runtime.as_deref();
        let preferred = self.known.and_then(|known| known.piston_runtime);
        let is_second_choice = match (preferred, package) {
            (Some(preferred), Some(package)) => preferred != package,
            (Some(_), None) | (None, Some(_)) => true,
            (None, None) => false,
        };
        (
            place.unwrap_or(WELL_KNOWN.len()),
            self.name.clone(),
            is_second_choice,
            Reverse(self.version.clone()),
        )
    }
}

fn offer(group: &[Usable], taken: &mut HashSet<String>) -> Option<Offer> {
    let first = group.first()?;
    let mut versions = Vec::new();
    let mut runtimes = Vec::new();
    for it in group {
        if versions.len() < VERSIONS_MAX && !versions.contains(&it.entry.version) {
            versions.push(it.entry.version.clone());
            runtimes.push(Runtime {
                language: it.entry.language.clone(),
                version: it.entry.version.clone(),
            });
        }
    }
    let entry_file = first.known.map_or_else(
        || format!("main.{}", first.name),
        |known| known.entry_file.to_owned(),
    );
    Some(Offer {
        spec: LanguageSpec {
            language: first.name.clone(),
            aliases: aliases(group, taken),
            versions,
            entry_file,
            example: first.known.map_or("", |known| known.example).to_owned(),
        },
        runtimes,
    })
}

/// Our own aliases first, then Piston's. A name that means a language already means no other.
fn aliases(group: &[Usable], taken: &mut HashSet<String>) -> Vec<String> {
    let own = group.iter().filter_map(|it| it.known).take(1);
    let own = own.flat_map(|known| known.aliases.iter().map(ToString::to_string));
    let theirs = group.iter().flat_map(|it| {
        let names = it.entry.aliases.iter().chain([&it.entry.language]);
        names.map(|alias| alias.to_ascii_lowercase())
    });
    own.chain(theirs)
        .filter(|alias| Language::parse(alias).is_ok() && taken.insert(alias.clone()))
        .take(ALIASES_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn listing(list: &Value) -> Listing {
        read(list.to_string().as_bytes()).unwrap()
    }

    fn names(listing: &Listing) -> Vec<&str> {
        let names = listing.offers.iter();
        names.map(|offer| offer.spec.language.as_str()).collect()
    }

    #[rstest]
    #[case("python", "python", "main.py", "py")]
    #[case("javascript", "javascript", "main.js", "js")]
    #[case("c", "c", "main.c", "gcc")]
    #[case("c++", "cpp", "main.cpp", "c++")]
    #[case("bash", "bash", "main.sh", "sh")]
    #[case("csharp", "csharp", "main.cs", "c#")]
    #[case("rscript", "r", "main.r", "rscript")]
    #[case("MATL", "matl", "main.matl", "m")]
    #[case("fsharp.net", "fsharp.net", "main.fsharp.net", "fs")]
    fn a_language_has_its_canonical_name_aliases_and_entry_file(
        #[case] piston_name: &str,
        #[case] name: &str,
        #[case] entry_file: &str,
        #[case] alias: &str,
    ) {
        let aliases = ["M", "fs", "visual basic"];
        let entry = json!({"language": piston_name, "version": "1.2.3", "aliases": aliases});
        let listing = listing(&json!([entry]));
        let [offer] = &listing.offers[..] else {
            panic!("{listing:?}");
        };
        assert_eq!(offer.spec.language.as_str(), name);
        assert_eq!(offer.spec.entry_file, entry_file);
        assert!(offer.spec.aliases.contains(&alias.to_owned()), "{offer:?}");
        assert!(!offer.spec.aliases.contains(&name.to_owned()));
        assert!(!offer.spec.aliases.contains(&"visual basic".to_owned()));
        assert_eq!(offer.runtimes[0].language, piston_name);
    }

    #[test]
    fn the_newest_version_comes_first() {
        let entry = |version| json!({"language": "python", "version": version});
        let list = json!([
            entry("3.9.4"),
            entry("3.12.0"),
            entry("3.12.0-rc.1"),
            entry("2.7.18")
        ]);
        let listing = listing(&list);
        let expected = ["3.12.0", "3.12.0-rc.1", "3.9.4", "2.7.18"];
        assert_eq!(listing.offers[0].spec.versions, expected);
        let runtimes = listing.offers[0].runtimes.iter();
        assert!(runtimes.map(|runtime| &runtime.version).eq(expected));
    }

    #[test]
    fn of_several_packages_the_common_one_comes_first() {
        let list = json!([
            {"language": "javascript", "version": "99.0.0", "aliases": ["deno-js"], "runtime": "deno"},
            {"language": "typescript", "version": "99.0.0", "aliases": ["deno-ts"], "runtime": "deno"},
            {"language": "javascript", "version": "18.15.0", "aliases": ["node-js"], "runtime": "node"},
            {"language": "javascript", "version": "20.11.1", "aliases": ["node-js"], "runtime": "node"},
            {"language": "typescript", "version": "5.0.3", "aliases": ["ts"]},
        ]);
        let listing = listing(&list);
        assert_eq!(names(&listing), ["javascript", "typescript"]);
        let versions = |index: usize| &listing.offers[index].spec.versions;
        assert_eq!(*versions(0), ["20.11.1", "18.15.0", "99.0.0"]);
        assert_eq!(*versions(1), ["5.0.3", "99.0.0"]);
        assert!(
            listing.offers[0]
                .spec
                .aliases
                .contains(&"deno-js".to_owned())
        );
    }

    #[test]
    fn two_packages_of_the_same_version_are_one() {
        let list = json!([
            {"language": "c", "version": "10.2.0", "runtime": "gcc"},
            {"language": "c", "version": "10.2.0", "runtime": "tcc"},
        ]);
        assert_eq!(listing(&list).offers[0].spec.versions, ["10.2.0"]);
    }

    #[test]
    fn an_alias_means_one_language_and_never_anothers_name() {
        let list = json!([
            {"language": "c++", "version": "10.2.0", "aliases": ["cpp", "same", "d"]},
            {"language": "d", "version": "10.2.0", "aliases": ["same"]},
        ]);
        let listing = listing(&list);
        assert_eq!(
            listing.offers[0].spec.aliases,
            ["c++", "cxx", "g++", "same"]
        );
        assert_eq!(listing.offers[1].spec.aliases, [] as [&str; 0]);
    }

    #[test]
    fn well_known_languages_come_first() {
        let entry = |language| json!({"language": language, "version": "1.0.0"});
        let list = json!([entry("zig"), entry("bash"), entry("awk"), entry("python")]);
        assert_eq!(names(&listing(&list)), ["python", "bash", "awk", "zig"]);
    }

    #[rstest]
    #[case::name(json!({"language": "visual basic", "version": "1.0.0"}))]
    #[case::long_name(json!({"language": "x".repeat(33), "version": "1.0.0"}))]
    #[case::version(json!({"language": "x", "version": "latest"}))]
    #[case::long_version(json!({"language": "x", "version": format!("1.0.0-{}", "a".repeat(64))}))]
    #[case::no_version(json!({"language": "x"}))]
    #[case::types(json!({"language": 1, "version": []}))]
    #[case::aliases(json!({"language": "x", "version": "1.0.0", "aliases": [1]}))]
    #[case::scalar(json!(7))]
    fn an_entry_that_cannot_be_used_is_left_out(#[case] entry: Value) {
        let good = json!({"language": "python", "version": "3.12.0"});
        let listing = listing(&json!([entry, good]));
        assert_eq!(names(&listing), ["python"]);
        assert_eq!(listing.left_out, 1);
    }

    #[rstest]
    #[case("")]
    #[case("{}")]
    #[case("null")]
    #[case("<html>")]
    #[case("[1")]
    fn what_is_no_list_is_malformed(#[case] body: &str) {
        assert!(read(body.as_bytes()).is_err());
    }

    #[test]
    fn however_long_a_list_is_so_much_is_offered() {
        let entry = |number: usize| json!({"language": format!("l{number}"), "version": "1.0.0"});
        let many: Vec<_> = (0..LANGUAGES_MAX + 5).map(entry).collect();
        assert_eq!(listing(&json!(many)).offers.len(), LANGUAGES_MAX);
        let version = |number| {
            let aliases = [format!("a{number}")];
            json!({"language": "x", "version": format!("1.{number}.0"), "aliases": aliases})
        };
        let many: Vec<_> = (0..100).map(version).collect();
        let listing = listing(&json!(many));
        assert_eq!(listing.offers[0].spec.versions.len(), VERSIONS_MAX);
        assert_eq!(listing.offers[0].spec.versions[0], "1.99.0");
        assert_eq!(listing.offers[0].spec.aliases.len(), ALIASES_MAX);
    }
}
