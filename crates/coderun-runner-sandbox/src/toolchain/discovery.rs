//! Finds the compilers and interpreters of the machine, by running each to learn where it is installed.

mod tool_answer;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coderun_domain::{UnavailableCause, UnavailableLanguage};
use coderun_languages::LanguageEntry;
use futures_util::{StreamExt as _, stream};
use tokio::process::Command;

use super::{Toolchain, outside_of_system};
use crate::config::SandboxConfig;
use crate::line_buffering;
use crate::protocol::BOX;

/// The tools that were found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Discovery {
    /// The toolchains, in the order of the table.
    pub(crate) toolchains: Vec<Toolchain>,
    /// Tools that the operator names and that do not answer.
    pub(crate) missing: Vec<UnavailableLanguage>,
}

/// Looks for the tools of every known language. A language without a tool is left out.
pub(crate) async fn discover(config: &SandboxConfig) -> Discovery {
    let mut languages = Vec::new();
    for entry in config.languages.entries() {
        if !entry.run.is_empty() {
            languages.push(discover_language(entry, config));
        }
    }
    let found = stream::iter(languages).buffered(LANGUAGES_AT_A_TIME);
    let found: Vec<Discovery> = found.collect().await;
    let mut all = Discovery::default();
    for found in found {
        all.toolchains.extend(found.toolchains);
        all.missing.extend(found.missing);
    }
    all
}

/// The most languages whose tools are asked at a time: these mostly wait for the disk.
const LANGUAGES_AT_A_TIME: usize = 8;

/// Looks for the first of a language's tools that answers, and for each of the others that it may have.
async fn discover_language(entry: &LanguageEntry, config: &SandboxConfig) -> Discovery {
    let mut found = discover_tool(entry, &entry.tools, config).await;
    let mut missing = Vec::new();
    if found.is_empty() {
        missing.push(entry.tools.as_slice());
    }
    for tool in &entry.more_tools {
        let more = discover_tool(entry, std::slice::from_ref(tool), config).await;
        if more.is_empty() {
            missing.push(std::slice::from_ref(tool));
        }
        add_versions(&mut found, more, tool, entry);
    }
    if found.is_empty() {
        tracing::info!(language = entry.name(), "no toolchain found");
    }
    let missing = missing.into_iter().filter(|_| entry.has_own_tools);
    Discovery {
        toolchains: found,
        missing: missing
            .filter_map(|tools| without_tools(entry, tools, config))
            .collect(),
    }
}

/// A language whose tools, or further tools, do not answer.
fn without_tools(
    entry: &LanguageEntry,
    tools: &[String],
    config: &SandboxConfig,
) -> Option<UnavailableLanguage> {
    let problem = if programs(tools, &config.search_path).is_empty() {
        "a tool is missing"
    } else {
        "a tool does not print its version"
    };
    let tools: Vec<_> = tools.iter().map(|tool| format!("`{tool}`")).collect();
    let reason = format!("{problem}: {}", tools.join(", "));
    Some(UnavailableLanguage {
        language: entry.language().ok()?,
        aliases: entry.aliases.clone(),
        version: None,
        cause: UnavailableCause::Failing(reason),
    })
}

/// Adds what was found for one more tool. A version that is there already stays that of the earlier tool.
fn add_versions(
    found: &mut Vec<Toolchain>,
    more: Vec<Toolchain>,
    tool: &str,
    entry: &LanguageEntry,
) {
    let not_used = |reason: &str| tracing::warn!(language = entry.name(), tool, "{reason}");
    if more.is_empty() {
        not_used("tool is missing or does not answer");
    }
    for toolchain in more {
        if found.iter().any(|it| it.version == toolchain.version) {
            let version = toolchain.version.unwrap_or_default();
            not_used(&format!("another tool has version {version} already"));
        } else {
            found.push(toolchain);
        }
    }
}

/// The first of these tools that answers, for each version of the language that it knows.
async fn discover_tool(
    entry: &LanguageEntry,
    tools: &[String],
    config: &SandboxConfig,
) -> Vec<Toolchain> {
    for program in programs(tools, &config.search_path) {
        let candidate = Candidate {
            entry,
            program: &program,
            config,
        };
        if let Some(found) = candidate.inspect().await {
            return found.for_each_version(&program);
        }
    }
    Vec::new()
}

/// All existing files with these names in the search path, or with these absolute paths, best first.
fn programs(tools: &[String], search_path: &[PathBuf]) -> Vec<PathBuf> {
    let mut tried = HashSet::new();
    tools
        .iter()
        .flat_map(|name| search_path.iter().map(move |folder| folder.join(name)))
        .filter(|program| program.is_file() && tried.insert(program.clone()))
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
        let extra_paths = outside_of_system(configured.chain(needed));
        if let Some(path) = extra_paths.iter().find(|path| is_hidden(path)) {
            let (language, tool) = (self.entry.name(), program.display());
            let path = path.display();
            tracing::warn!(language, %tool, %path, "tool is not used: the sandbox hides a folder that it needs");
            return None;
        }
        let version = version.map(str::to_owned);
        Some(Toolchain {
            language: self.entry.language().ok()?,
            entry: Arc::new(self.entry.clone()),
            program: program.to_str()?.to_owned(),
            full_version: version.clone(),
            version,
            extra_paths,
            parts,
            line_buffering: line_buffering::environment(self.entry),
        })
    }

    fn is_home_of_a_person(&self, path: &Path) -> bool {
        let mut variables = self.config.discovery_environment.iter();
        let home = variables.find(|(name, _)| name == "HOME");
        path.parent() == Some(Path::new("/home")) || home.is_some_and(|(_, home)| path == home)
    }

    /// What the tool prints when it is asked; `None` if it does not answer.
    async fn output_of(&self, arguments: &[String]) -> Option<String> {
        let search_path = std::env::join_paths(&self.config.search_path).ok()?;
        let mut tool = Command::new(self.program);
        tool.args(arguments)
            .env_clear()
            .env("PATH", search_path)
            .envs(self.config.discovery_environment.iter().cloned())
            .current_dir("/");
        tool_answer::ask(tool, &self.entry.version_input).await
    }
}

/// Whether the sandbox has something of its own at this path, so that it cannot show the machine's.
fn is_hidden(path: &Path) -> bool {
    OWN_FOLDERS.iter().any(|own| path.starts_with(own))
        || SHARED_FOLDERS
            .iter()
            .any(|shared| path == Path::new(shared))
}

/// Folders that are all of the sandbox's own.
const OWN_FOLDERS: [&str; 4] = [BOX, "/dev", "/proc", "/sys"];
/// Folders that are the sandbox's own, with parts of the machine in them.
const SHARED_FOLDERS: [&str; 2] = ["/etc", "/tmp"];

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

#[cfg(test)]
mod tests;
