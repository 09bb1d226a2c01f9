//! Describes one language.

use std::collections::BTreeMap;

use coderun_domain::{Language, LanguageNameError};
use serde::Deserialize;
use toml::Table;

use crate::{LimitsEntry, NameRule};

/// A language: its names, the file of its code, and how the built-in sandbox runs it.
///
/// In commands and variables the sandbox replaces `{tool}`, `{version}`, `{file}`, `{class}`, `{sources}`, `{artefact}`, `{memory_mib}`,
/// `{folder}` (the tool's), `{home}` (the folder above that), and the names of [`needs`](Self::needs) and
/// [`helpers`](Self::helpers).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageEntry {
    /// The canonical name.
    #[serde(skip, default)]
    pub(crate) name: String,
    /// Whether the operator's file names its tools.
    #[serde(skip, default)]
    pub has_own_tools: bool,
    /// The language that it takes its keys over from, if any.
    #[serde(default)]
    pub(crate) like: Option<String>,
    /// Other names that mean it, in lower case.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The name under which the submitted code is stored.
    pub file: String,
    /// How the code may name its file and the class that is run otherwise. Default: it does not.
    #[serde(default)]
    pub name_rule: Option<NameRule>,
    /// A short program that prints a greeting.
    pub example: String,
    /// The hints of the operator for it, in the form of a group of `hints.toml`. They come before those that are built in.
    #[serde(default)]
    pub(crate) hints: Table,
    /// The limits in which it differs from other languages.
    #[serde(default)]
    pub limits: LimitsEntry,
    /// Whether no third-party API compiles it, so that a call need not allow time for that.
    #[serde(default, rename = "interpreted")]
    pub is_interpreted: bool,
    /// Names or absolute paths of its compiler or interpreter; the first that answers is used.
    #[serde(default)]
    pub tools: Vec<String>,
    /// More of them, by name or path: each that answers is offered as one more version.
    #[serde(default)]
    pub more_tools: Vec<String>,
    /// With these arguments the tool prints its own path, its version, and the folders that it needs, a line each. This sees
    /// through the stand-ins of version managers.
    #[serde(default)]
    pub inspect: Vec<String>,
    /// With these arguments the tool prints its version, where it has no `inspect`: the first number that it prints.
    #[serde(default)]
    pub version: Vec<String>,
    /// The tool's input when it is asked for its version.
    #[serde(default)]
    pub version_input: String,
    /// By name, the arguments with which the tool prints a path that it needs: a folder, or a file in such a folder.
    #[serde(default)]
    pub needs: BTreeMap<String, Vec<String>>,
    /// Other programs that it cannot do without: beside the tool, or in the search path.
    #[serde(default)]
    pub helpers: Vec<String>,
    /// Files and folders that it needs where they exist.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Versions of the language that every tool knows, such as the standards of C; the first is the default. Without them the
    /// version of the tool is the version of the language.
    #[serde(default)]
    pub versions: Vec<String>,
    /// What `{version}` stands for in versions that the tool calls otherwise.
    #[serde(default)]
    pub version_names: BTreeMap<String, String>,
    /// The command that builds a program; empty where nothing is built.
    #[serde(default)]
    pub compile: Vec<String>,
    /// Submitted files with this ending are built together with the submitted code.
    #[serde(default)]
    pub sources: String,
    /// The built file, in the folder of the sources, or the folder with all that was built if it ends with `/`.
    #[serde(default)]
    pub artefact: String,
    /// The command that runs a program; its arguments follow. Without it only third-party APIs run the language.
    #[serde(default)]
    pub run: Vec<String>,
    /// Environment variables beside those of all programs.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files that are stored beside the code, unless the submission has files of these names.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Whether its programs write through the streams of the C library.
    #[serde(default)]
    pub c_streams: bool,
    /// Environment variables that make its programs write each line at once.
    #[serde(default)]
    pub line_buffering: BTreeMap<String, String>,
}

impl LanguageEntry {
    /// The canonical name, as text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The canonical name.
    ///
    /// # Errors
    /// [`LanguageNameError`] when it is not valid; no such name is in a table.
    pub fn language(&self) -> Result<Language, LanguageNameError> {
        Language::parse(&self.name)
    }

    /// Whether programs are built before they run.
    #[must_use]
    pub const fn is_compiled(&self) -> bool {
        !self.compile.is_empty()
    }
}
