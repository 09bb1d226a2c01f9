//! Finds the compilers and interpreters of the machine, by running each to learn where it is installed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use coderun_domain::{Language, LanguageSpec};
use coderun_languages::LanguageEntry;
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
        let folders = lines.map(PathBuf::from);
        self.toolchain(program, version, folders.chain([program.into()]))
    }

    /// Inspects a tool that may drive other programs, such as a compiler. The folders of all of them are needed.
    async fn inspect_parts(&self) -> Option<Toolchain> {
        let printed = self.output_of(&self.entry.version).await?;
        let program = self.program.canonicalize().ok()?;
        let mut found = vec![program.clone()];
        for need in &self.entry.needs {
            // A name without a folder means that the tool finds the part in the system's folders.
            let part = self.output_of(need).await.map(PathBuf::from);
            let real = part.and_then(|part| part.canonicalize().ok());
            found.extend(real.as_deref().and_then(Path::parent).map(Path::to_owned));
        }
        self.toolchain(program.to_str()?, printed.lines().next(), found)
    }

    fn toolchain(
        &self,
        program: &str,
        version: Option<&str>,
        paths: impl IntoIterator<Item = PathBuf>,
    ) -> Option<Toolchain> {
        Some(Toolchain {
            language: self.entry.language().ok()?,
            entry: self.entry.clone(),
            program: program.to_owned(),
            version: version.map(str::to_owned),
            extra_paths: outside_of_system(paths),
            line_buffering: line_buffering::environment(self.entry),
        })
    }

    /// Runs the tool and returns what it prints; `None` if it fails or takes too long.
    async fn output_of(&self, arguments: &[String]) -> Option<String> {
        let search_path = std::env::join_paths(&self.config.search_path).ok()?;
        let answer = Command::new(self.program)
            .args(arguments)
            .env_clear()
            .env("PATH", search_path)
            .envs(self.config.discovery_environment.iter().cloned())
            .current_dir("/")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(DISCOVERY_TIMEOUT, answer).await.ok()?.ok()?;
        let printed = String::from_utf8(output.stdout).ok()?;
        (output.status.success() && !printed.trim().is_empty()).then(|| printed.trim().to_owned())
    }
}

/// The paths that are not in a folder that every sandbox has, without paths below other paths.
///
/// The root is never among them: it would show the whole machine.
fn outside_of_system(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let canonical = paths
        .into_iter()
        .filter_map(|path| path.canonicalize().ok());
    let outside: BTreeSet<PathBuf> = canonical
        .filter(|path| path.parent().is_some())
        .filter(|path| !SYSTEM_FOLDERS.iter().any(|system| path.starts_with(system)))
        .collect();
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

    #[tokio::test]
    async fn a_tool_that_is_not_there_means_no_language() {
        let config = SandboxConfig {
            search_path: vec![PathBuf::from("/nonexistent")],
            ..SandboxConfig::default()
        };
        assert!(discover(&config).await.is_empty());
    }
}
