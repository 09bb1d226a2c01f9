//! Languages as Piston's packages name them, and which one a request means.

use coderun_domain::LanguageSpec;
use semver::Version;

use crate::version_range::is_in_range;

/// A language in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Its name, such as `c++`.
    pub language: String,
    /// Its version.
    pub version: Version,
    /// Other names that mean it. As the name, they are matched in exactly this case.
    pub aliases: Vec<String>,
    /// The package that brings it, such as `gcc`, where that has another name.
    pub runtime: Option<String>,
}

impl Runtime {
    /// A version of one of the languages that the stand-in knows: `python`, `javascript`, `c`, `c++` or `bash`; `None`
    /// for any other.
    #[must_use]
    pub fn new(language: &str, version: Version) -> Option<Self> {
        let package = Package::of(language)?;
        let aliases = package.aliases.iter().map(ToString::to_string);
        let mut aliases: Vec<String> = aliases.collect();
        if language == "python" {
            aliases.push(format!("python{}.{}", version.major, version.minor));
        }
        Some(Self {
            language: language.to_owned(),
            version,
            aliases,
            runtime: package.runtime.map(str::to_owned),
        })
    }

    /// All languages that the stand-in knows, in the newest versions that Piston has packages for.
    #[must_use]
    pub fn stock() -> Vec<Self> {
        let stock = |package: &Package| {
            let (major, minor, patch) = package.newest;
            Self::new(package.language, Version::new(major, minor, patch))
        };
        PACKAGES.iter().filter_map(stock).collect()
    }

    /// What a sandbox offers, by Piston's names.
    pub(crate) fn offered(languages: &[LanguageSpec]) -> Vec<Self> {
        let offered = |package: &Package| {
            let name = |spec: &&LanguageSpec| spec.language.as_str() == package.sandbox_language;
            let spec = languages.iter().find(name)?;
            let version = spec.versions.first().map_or("", String::as_str);
            Self::new(package.language, whole(version))
        };
        PACKAGES.iter().filter_map(offered).collect()
    }

    /// The package that brings it.
    pub(crate) fn package_name(&self) -> &str {
        self.runtime.as_deref().unwrap_or(&self.language)
    }

    fn is_meant(&self, language: &str, range: &str) -> bool {
        let has_name = self.language == language || self.aliases.iter().any(|it| it == language);
        has_name && is_in_range(&self.version, range)
    }
}

/// The newest version that a request means.
pub(crate) fn find<'a>(
    runtimes: &'a [Runtime],
    language: &str,
    range: &str,
) -> Option<&'a Runtime> {
    let meant = runtimes.iter().filter(|it| it.is_meant(language, range));
    // Of equals the first, as a stable sort would leave it.
    meant
        .rev()
        .max_by(|one, other| one.version.cmp(&other.version))
}

/// What stands in one of Piston's packages about a language.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) language: &'static str,
    /// What coderun's sandbox calls it.
    pub(crate) sandbox_language: &'static str,
    runtime: Option<&'static str>,
    aliases: &'static [&'static str],
    newest: (u64, u64, u64),
    /// The line of the package's shell script that starts the program.
    pub(crate) run_line: u32,
    /// What stands in that line.
    pub(crate) run_command: &'static str,
    /// What the package adds to the name of each text file, if it compiles.
    pub(crate) source_ending: Option<&'static str>,
}

impl Package {
    /// The package with this language, by its exact name.
    pub(crate) fn of(language: &str) -> Option<&'static Self> {
        PACKAGES.iter().find(|it| it.language == language)
    }
}

const PACKAGES: [Package; 5] = [
    Package {
        language: "python",
        sandbox_language: "python",
        runtime: None,
        aliases: &["py", "py3", "python3"],
        newest: (3, 12, 0),
        run_line: 3,
        run_command: "python3 \"$@\"",
        source_ending: None,
    },
    Package {
        language: "javascript",
        sandbox_language: "javascript",
        runtime: Some("node"),
        aliases: &["node-javascript", "node-js", "javascript", "js"],
        newest: (20, 11, 1),
        run_line: 3,
        run_command: "node \"$@\"",
        source_ending: None,
    },
    Package {
        language: "c",
        sandbox_language: "c",
        runtime: Some("gcc"),
        aliases: &["gcc"],
        newest: (10, 2, 0),
        run_line: 6,
        run_command: "./a.out \"$@\"",
        source_ending: Some(".c"),
    },
    Package {
        language: "c++",
        sandbox_language: "cpp",
        runtime: Some("gcc"),
        aliases: &["cpp", "g++"],
        newest: (10, 2, 0),
        run_line: 6,
        run_command: "./a.out \"$@\"",
        source_ending: Some(".cpp"),
    },
    Package {
        language: "bash",
        sandbox_language: "bash",
        runtime: None,
        aliases: &["sh"],
        newest: (5, 2, 0),
        run_line: 4,
        run_command: "bash \"$@\"",
        source_ending: None,
    },
];

/// A version with all of its parts: what a tool says may have fewer.
fn whole(version: &str) -> Version {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    Version::new(next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(version: &str) -> Runtime {
        Runtime::new("python", Version::parse(version).unwrap()).unwrap()
    }

    #[test]
    fn the_newest_in_the_range_is_meant() {
        let runtimes = [python("3.9.4"), python("3.12.0"), python("3.10.0")];
        let found = |language, range| {
            find(&runtimes, language, range).map(|runtime| runtime.version.to_string())
        };
        assert_eq!(found("python", "*").as_deref(), Some("3.12.0"));
        assert_eq!(found("py3", "3.9.x").as_deref(), Some("3.9.4"));
        assert_eq!(found("python3.10", "3").as_deref(), Some("3.10.0"));
        assert_eq!(found("Python", "*"), None);
        assert_eq!(found("python", "4"), None);
    }

    #[test]
    fn a_version_that_lacks_parts_is_made_whole() {
        assert_eq!(whole("12").to_string(), "12.0.0");
        assert_eq!(whole("3.11.7").to_string(), "3.11.7");
        assert_eq!(whole("").to_string(), "0.0.0");
    }
}
