//! Lists languages under Piston's names, and finds the one that a request means.

use coderun_domain::LanguageSpec;
use semver::{Version, VersionReq};
use serde::Serialize;

/// A language in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Runtime {
    /// Its name, such as `c++`.
    pub language: String,
    /// Its version, with three parts.
    pub version: String,
    /// Other names of the language.
    pub aliases: Vec<String>,
}

impl Runtime {
    /// A language in one version.
    #[must_use]
    pub fn new(language: &str, version: &str, aliases: &[&str]) -> Self {
        Self {
            language: language.to_owned(),
            version: version.to_owned(),
            aliases: aliases.iter().map(ToString::to_string).collect(),
        }
    }

    /// The languages that a stand-in without a sandbox offers.
    pub(crate) fn stock() -> Vec<Self> {
        vec![
            Self::new("python", "3.12.0", &["py", "py3", "python3"]),
            Self::new("javascript", "20.11.1", &["node-js", "js"]),
            Self::new("c", "10.2.0", &["gcc"]),
            Self::new("c++", "10.2.0", &["cpp", "g++"]),
            Self::new("bash", "5.2.0", &["sh"]),
        ]
    }

    /// The languages of a sandbox.
    pub(crate) fn of_sandbox(languages: &[LanguageSpec]) -> Vec<Self> {
        let runtime = |spec: &LanguageSpec| Self {
            language: match spec.language.as_str() {
                "cpp" => "c++".to_owned(),
                name => name.to_owned(),
            },
            version: three_parts(spec.versions.first().map_or("", String::as_str)),
            aliases: spec.aliases.clone(),
        };
        languages.iter().map(runtime).collect()
    }

    /// What the sandbox calls the language.
    pub(crate) fn sandbox_language(&self) -> &str {
        match self.language.as_str() {
            "c++" => "cpp",
            name => name,
        }
    }

    /// The newest runtime with this name and a version in this range.
    pub(crate) fn find<'a>(runtimes: &'a [Self], name: &str, range: &str) -> Option<&'a Self> {
        let range = match Version::parse(range) {
            Ok(_) => VersionReq::parse(&format!("={range}")),
            Err(_) => VersionReq::parse(range),
        };
        let range = range.ok()?;
        let named = runtimes
            .iter()
            .filter(|it| it.language == name || it.aliases.iter().any(|alias| alias == name));
        let with_version = named.filter_map(|it| Some((Version::parse(&it.version).ok()?, it)));
        let in_range = with_version.filter(|(version, _)| range.matches(version));
        let newest = in_range.max_by(|(one, _), (other, _)| one.cmp(other));
        newest.map(|(_, runtime)| runtime)
    }
}

/// A version with three parts: a tool may print fewer.
fn three_parts(version: &str) -> String {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    Version::new(next(), next(), next()).to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::any("*", Some("3.12.0"))]
    #[case::minor("3.9.x", Some("3.9.4"))]
    #[case::exact("3.10.0", Some("3.10.0"))]
    #[case::compatible_is_not_enough("3.9.0", None)]
    #[case::range(">=3, <3.12", Some("3.10.0"))]
    #[case::no_range("newest", None)]
    fn the_newest_version_in_the_range_is_found(
        #[case] range: &str,
        #[case] expected: Option<&str>,
    ) {
        let versions = ["3.9.4", "3.12.0", "3.10.0"];
        let runtimes = versions.map(|version| Runtime::new("python", version, &["py"]));
        let found = Runtime::find(&runtimes, "py", range).map(|it| it.version.as_str());
        assert_eq!(found, expected);
        assert_eq!(Runtime::find(&runtimes, "Python", range), None);
    }

    #[test]
    fn a_version_that_lacks_parts_gets_them() {
        assert_eq!(three_parts("12"), "12.0.0");
        assert_eq!(three_parts("3.11.7"), "3.11.7");
    }
}
