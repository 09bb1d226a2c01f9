//! Finds the compilers and interpreters of the machine, by running each to learn where it is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use coderun_domain::{Language, LanguageSpec};
use coderun_languages::LanguageEntry;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::SandboxConfig;
use crate::line_buffering;
use crate::protocol::SYSTEM_FOLDERS;

/// The longest that a tool may take to print its version or place.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// A language whose tool was found.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// The language.
    pub(crate) language: Language,
    /// How to use the tool.
    pub(crate) entry: LanguageEntry,
    /// The tool itself.
    pub(crate) program: String,
    /// Its version, if it printed one.
    pub(crate) version: Option<String>,
    /// The paths of its parts and helpers, by name.
    pub(crate) parts: BTreeMap<String, String>,
    /// Folders and files outside of the system's own that it needs.
    pub(crate) extra_paths: Vec<PathBuf>,
    /// Environment variables of programs that write each line at once.
    pub(crate) line_buffering: Vec<(String, String)>,
}

impl Toolchain {
    /// The language as the runner offers it.
    pub(crate) fn spec(&self) -> LanguageSpec {
        LanguageSpec {
            language: self.language.clone(),
            aliases: self.entry.aliases.clone(),
            versions: self.version.iter().cloned().collect(),
            entry_file: self.entry.file.clone(),
            example: self.entry.example.clone(),
            limits: self.entry.limits.into(),
        }
    }
}

/// Looks for the tool of every known language. A language without a tool is left out.
pub(crate) async fn discover(config: &SandboxConfig) -> Vec<Toolchain> {
    let mut found = Vec::new();
    let entries = config.languages.entries().iter();
    for entry in entries.filter(|entry| !entry.run.is_empty()) {
        if let Some(toolchain) = discover_one(entry, config).await {
            found.push(toolchain);
        } else {
            tracing::info!(language = entry.name(), "no toolchain found");
        }
    }
    found
}

/// The folders and files outside of the system's own that any of them needs.
pub(crate) fn extra_paths(toolchains: &[Toolchain]) -> Vec<PathBuf> {
    let all = toolchains
        .iter()
        .flat_map(|toolchain| &toolchain.extra_paths);
    outside_of_system(all.cloned())
}

async fn discover_one(entry: &LanguageEntry, config: &SandboxConfig) -> Option<Toolchain> {
    for program in programs(&entry.tools, &config.search_path) {
        let candidate = Candidate {
            entry,
            program: &program,
            config,
        };
        if let Some(found) = candidate.inspect().await {
            return Some(found);
        }
    }
    None
}

/// All existing files with these names in the search path, best first.
fn programs(tools: &[String], search_path: &[PathBuf]) -> Vec<PathBuf> {
    tools
        .iter()
        .flat_map(|name| search_path.iter().map(move |folder| folder.join(name)))
        .filter(|program| program.is_file())
        .collect()
}

/// A file that may be the tool of a language.
struct Candidate<'a> {
    entry: &'a LanguageEntry,
    program: &'a Path,
    config: &'a SandboxConfig,
}

impl Candidate<'_> {
    async fn inspect(&self) -> Option<Toolchain> {
        if self.entry.inspect.is_empty() {
            return self.inspect_parts().await;
        }
        let printed = self.output_of(&self.entry.inspect).await?;
        let mut lines = printed.lines();
        let (program, version) = (lines.next()?, lines.next());
        let paths = lines.map(PathBuf::from).chain([program.into()]);
        self.toolchain(Path::new(program), version, BTreeMap::new(), paths)
    }

    /// Inspects a tool that may drive other programs, such as a compiler. The folders of all of them are needed.
    async fn inspect_parts(&self) -> Option<Toolchain> {
        let printed = self.output_of(&self.entry.version).await?;
        let program = self.program.canonicalize().ok()?;
        let mut parts = BTreeMap::new();
        for (name, arguments) in &self.entry.needs {
            // A name without a folder means that the tool finds the part in the system's folders.
            let part = self.output_of(arguments).await.map(PathBuf::from);
            if let Some(part) = part.and_then(|part| part.canonicalize().ok()) {
                parts.insert(name.clone(), part);
            }
        }
        for name in &self.entry.helpers {
            parts.insert(name.clone(), self.helper(name, &program)?);
        }
        let needed = parts.values().map(|part| match part.parent() {
            Some(folder) if !part.is_dir() => folder.to_owned(),
            _ => part.clone(),
        });
        let needed: Vec<_> = needed.chain([program.clone()]).collect();
        self.toolchain(&program, first_number(&printed), parts, needed)
    }

    /// The real path of another program: beside the tool, or in the search path.
    fn helper(&self, name: &str, program: &Path) -> Option<PathBuf> {
        let search_path = self.config.search_path.iter().map(PathBuf::as_path);
        let mut folders = program.parent().into_iter().chain(search_path);
        let found = folders.find_map(|folder| folder.join(name).canonicalize().ok());
        if found.is_none() {
            let language = self.entry.name();
            tracing::info!(
                language,
                helper = name,
                "a program that a tool needs is missing"
            );
        }
        found
    }

    /// The toolchain of this program, with its parts by name and the paths that it needs.
    fn toolchain(
        &self,
        program: &Path,
        version: Option<&str>,
        mut parts: BTreeMap<String, PathBuf>,
        needed: impl IntoIterator<Item = PathBuf>,
    ) -> Option<Toolchain> {
        let folder = program.parent()?;
        parts.insert("folder".to_owned(), folder.to_owned());
        parts.insert(
            "home".to_owned(),
            folder.parent().unwrap_or(folder).to_owned(),
        );
        let text = |path: PathBuf| path.into_os_string().into_string().ok();
        let parts = parts
            .into_iter()
            .map(|(name, path)| Some((name, text(path)?)));
        let parts: BTreeMap<_, _> = parts.collect::<Option<_>>()?;
        // Where such a path is a link, programs look for it under this name. The folder above that of a tool may be the home
        // of a person, which no sandbox shows.
        let configured = self.entry.paths.iter();
        let configured = configured.map(|path| with_parts(path, &parts));
        let configured = configured.filter(|path| !self.is_home_of_a_person(path));
        let needed = needed
            .into_iter()
            .filter_map(|path| path.canonicalize().ok());
        Some(Toolchain {
            language: self.entry.language().ok()?,
            entry: self.entry.clone(),
            program: program.to_str()?.to_owned(),
            version: version.map(str::to_owned),
            extra_paths: outside_of_system(configured.chain(needed)),
            parts,
            line_buffering: line_buffering::environment(self.entry),
        })
    }

    fn is_home_of_a_person(&self, path: &Path) -> bool {
        let mut variables = self.config.discovery_environment.iter();
        let home = variables.find(|(name, _)| name == "HOME");
        path.parent() == Some(Path::new("/home")) || home.is_some_and(|(_, home)| path == home)
    }

    /// Runs the tool and returns what it prints, on stderr if nothing else; `None` if it fails or takes too long.
    async fn output_of(&self, arguments: &[String]) -> Option<String> {
        let search_path = std::env::join_paths(&self.config.search_path).ok()?;
        let input = &self.entry.version_input;
        let mut tool = Command::new(self.program)
            .args(arguments)
            .env_clear()
            .env("PATH", search_path)
            .envs(self.config.discovery_environment.iter().cloned())
            .current_dir("/")
            .stdin(if input.is_empty() {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let stdin = tool.stdin.take();
        let answer = async move {
            if let Some(mut stdin) = stdin {
                stdin.write_all(input.as_bytes()).await?;
            }
            tool.wait_with_output().await
        };
        let output = timeout(DISCOVERY_TIMEOUT, answer).await.ok()?.ok()?;
        let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).ok());
        let mut printed = printed.iter().flatten().map(|text| text.trim());
        let printed = printed.find(|text| !text.is_empty())?;
        output.status.success().then(|| printed.to_owned())
    }
}

/// Replaces the names of parts in a configured path.
fn with_parts(path: &str, parts: &BTreeMap<String, String>) -> PathBuf {
    let replace = |path: String, (name, value): (&String, &String)| {
        path.replace(&format!("{{{name}}}"), value)
    };
    parts.iter().fold(path.to_owned(), replace).into()
}

/// The first number in a text, of digits and dots: `1.19.8` in `go version go1.19.8 linux/amd64`.
fn first_number(text: &str) -> Option<&str> {
    let (_, start) = text.split_once(|character: char| character.is_ascii_digit())?;
    let from = text.get(text.len() - start.len() - 1..)?;
    let end = from.find(|character: char| !character.is_ascii_digit() && character != '.');
    Some(from.get(..end.unwrap_or(from.len()))?.trim_end_matches('.'))
}

/// The paths that are not in a folder that every sandbox has, without paths below other paths.
///
/// The root is never among them: it would show the whole machine.
fn outside_of_system(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let is_outside = |path: &PathBuf| {
        let real = path.canonicalize();
        real.is_ok_and(|real| {
            let is_in = |system| real.starts_with(system);
            real.parent().is_some() && !SYSTEM_FOLDERS.into_iter().any(is_in)
        })
    };
    let outside: BTreeSet<PathBuf> = paths.into_iter().filter(is_outside).collect();
    let below_another = |path: &PathBuf| {
        path.ancestors()
            .skip(1)
            .any(|above| outside.contains(above))
    };
    outside
        .iter()
        .filter(|path| !below_another(path))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use coderun_languages::LanguageTable;

    use super::*;

    #[test]
    fn the_system_and_the_root_need_no_mount_of_their_own() {
        let system = ["/usr/bin", "/"].map(PathBuf::from);
        assert_eq!(outside_of_system(system), [] as [PathBuf; 0]);
    }

    #[test]
    fn a_folder_below_another_needs_no_mount_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().canonicalize().unwrap();
        let bin = home.join("bin");
        std::fs::create_dir(&bin).unwrap();
        assert_eq!(outside_of_system([bin, home.clone()]), [home]);
    }

    #[test]
    fn the_version_is_the_first_number_that_a_tool_prints() {
        let version = |printed| first_number(printed).unwrap_or_default();
        assert_eq!(version("go version go1.19.8 linux/amd64"), "1.19.8");
        assert_eq!(version("ruby 3.1.2p20 (2022-04-12)"), "3.1.2");
        assert_eq!(version("javac 21"), "21");
        assert_eq!(version("Version 4."), "4");
        assert_eq!(version("unknown"), "");
    }

    #[test]
    fn the_home_of_a_person_is_not_a_toolchain() {
        let languages = LanguageTable::built_in();
        let (_, entry) = languages.find("java").unwrap();
        let config = SandboxConfig {
            discovery_environment: vec![("HOME".to_owned(), "/srv/service".to_owned())],
            ..SandboxConfig::default()
        };
        let candidate = Candidate {
            entry,
            program: Path::new("/home/alice/bin/javac"),
            config: &config,
        };
        let is_home = |path| candidate.is_home_of_a_person(Path::new(path));
        assert!(is_home("/home/alice") && is_home("/srv/service"));
        assert!(!is_home("/home/alice/jdk") && !is_home("/opt/jdk"));
    }

    #[tokio::test]
    async fn a_tool_that_is_not_there_means_no_language() {
        let config = SandboxConfig {
            search_path: vec![PathBuf::from("/nonexistent")],
            ..SandboxConfig::default()
        };
        assert!(discover(&config).await.is_empty());
    }
}
