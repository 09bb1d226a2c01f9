//! Lists languages under Piston's names, and finds the one that a request means.

use coderun_domain::LanguageSpec;
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

    /// The first runtime with this name in this version; `*` is any version.
    pub(crate) fn find<'a>(runtimes: &'a [Self], name: &str, version: &str) -> Option<&'a Self> {
        runtimes.iter().find(|it| {
            let has_name = it.language == name || it.aliases.iter().any(|alias| alias == name);
            has_name && (version == "*" || it.version == version)
        })
    }
}

/// A version with three parts: a tool may print fewer.
fn three_parts(version: &str) -> String {
    let parts = version.split('.').map(str::parse::<u64>);
    let parts = parts.map(Result::unwrap_or_default).chain([0, 0]);
    let parts: Vec<_> = parts.take(3).map(|part| part.to_string()).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_found_by_any_of_its_names_in_any_or_an_exact_version() {
        let versions = ["3.12.0", "3.9.4"];
        let runtimes = versions.map(|version| Runtime::new("python", version, &["py"]));
        for (name, version, expected) in [
            ("py", "*", Some(&runtimes[0])),
            ("python", "3.9.4", Some(&runtimes[1])),
            ("py", "3.9", None),
            ("Python", "*", None),
        ] {
            assert_eq!(Runtime::find(&runtimes, name, version), expected);
        }
    }

    #[test]
    fn a_version_that_lacks_parts_gets_them() {
        assert_eq!(three_parts("12"), "12.0.0");
        assert_eq!(three_parts("3.11.7"), "3.11.7");
        assert_eq!(three_parts(""), "0.0.0");
    }
}
