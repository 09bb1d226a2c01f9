//! Describes the compilers and interpreters that were found on the machine.

mod discovery;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coderun_domain::{Language, LanguageSpec};
use coderun_languages::LanguageEntry;

use crate::protocol::SYSTEM_FOLDERS;

pub(crate) use discovery::{Discovery, discover};

/// A language in one version, with a tool that was found for it.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// The language.
    pub(crate) language: Language,
    /// How to use the tool.
    pub(crate) entry: Arc<LanguageEntry>,
    /// The tool itself.
    pub(crate) program: String,
    /// The version by which it is asked for: one of the language's, or else that of the tool, if it printed one.
    pub(crate) version: Option<String>,
    /// What a report says ran, such as `20 (g++ 12.2.0)`.
    pub(crate) full_version: Option<String>,
    /// The paths of its parts and helpers, by name.
    pub(crate) parts: BTreeMap<String, String>,
    /// Folders and files outside of the system's own that it needs.
    pub(crate) extra_paths: Vec<PathBuf>,
    /// Environment variables of programs that write each line at once.
    pub(crate) line_buffering: Vec<(String, String)>,
}

impl Toolchain {
    /// Whether it is the same tool in the same version.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.language, &self.program) == (&other.language, &other.program)
            && self.full_version == other.full_version
            && self.extra_paths == other.extra_paths
    }

    /// The same tool for each version of the language that it knows.
    fn for_each_version(self, tool: &Path) -> Vec<Self> {
        if self.entry.versions.is_empty() {
            return vec![self];
        }
        let tool = tool.file_name().unwrap_or_default().to_string_lossy();
        let of_tool = self.version.as_deref().unwrap_or_default();
        let versions = self.entry.versions.iter();
        let in_version = |version: &String| Self {
            version: Some(version.clone()),
            full_version: Some(format!(
                "{version} ({})",
                format!("{tool} {of_tool}").trim()
            )),
            ..self.clone()
        };
        versions.map(in_version).collect()
    }
}

/// The languages as the runner offers them. Toolchains of one language follow each other.
pub(crate) fn specs(toolchains: &[Toolchain]) -> Vec<LanguageSpec> {
    let languages = toolchains.chunk_by(|a, b| a.language == b.language);
    let spec = |toolchains: &[Toolchain]| {
        let Toolchain {
            language, entry, ..
        } = toolchains.first()?;
        let versions = toolchains.iter().filter_map(|it| it.version.clone());
        Some(LanguageSpec {
            language: language.clone(),
            aliases: entry.aliases.clone(),
            versions: versions.collect(),
            entry_file: match entry.name_rule {
                Some(_) => String::new(),
                None => entry.file.clone(),
            },
            example: entry.example.clone(),
            limits: entry.limits.into(),
        })
    };
    languages.filter_map(spec).collect()
}

/// The toolchain for a version of a language. A version that is gone since it was asked for, because the tool was replaced,
/// is run by the language's first toolchain, and the report says so.
pub(crate) fn find<'a>(
    toolchains: &'a [Toolchain],
    language: &Language,
    version: Option<&str>,
) -> Option<&'a Toolchain> {
    let of_language = || toolchains.iter().filter(|it| it.language == *language);
    let exact = of_language().find(|it| it.version.as_deref() == version);
    exact.or_else(|| of_language().next())
}

/// The folders and files outside of the system's own that any of them needs.
pub(crate) fn extra_paths(toolchains: &[Toolchain]) -> Vec<PathBuf> {
    let all = toolchains
        .iter()
        .flat_map(|toolchain| &toolchain.extra_paths);
    outside_of_system(all.cloned())
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
