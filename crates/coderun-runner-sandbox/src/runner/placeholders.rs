//! Replaces the placeholders in the commands and environment variables of a language.

use coderun_domain::{ByteSize, Submission};
use coderun_languages::CodeNames;

use super::plan::is_in_the_way;
use crate::toolchain::Toolchain;

/// Stands for the submitted code and each file that is built with it, as arguments of their own.
const SOURCES: &str = "{sources}";

/// What the placeholders stand for in one stage.
#[derive(Debug)]
pub(super) struct Placeholders<'a> {
    submission: &'a Submission,
    toolchain: &'a Toolchain,
    names: CodeNames,
    memory_mib: String,
}

impl<'a> Placeholders<'a> {
    /// The placeholders of a stage with this memory limit.
    pub(super) fn new(
        submission: &'a Submission,
        toolchain: &'a Toolchain,
        memory: ByteSize,
    ) -> Self {
        Self {
            submission,
            toolchain,
            names: names_of(submission, toolchain),
            memory_mib: (memory.as_bytes() >> 20).to_string(),
        }
    }

    /// Replaces the placeholders in the arguments of a command.
    pub(super) fn replace_all(&self, command: &[String]) -> Vec<String> {
        let mut argv = Vec::new();
        for argument in command {
            if argument == SOURCES {
                argv.extend(self.sources());
            } else {
                argv.push(self.replace(argument));
            }
        }
        argv
    }

    /// Replaces the placeholders in a text, from left to right, so that no value is searched for placeholders.
    pub(super) fn replace(&self, text: &str) -> String {
        let mut replaced = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = split_at_placeholder(rest) {
            replaced.push_str(before);
            if let Some(value) = self.value(name) {
                replaced.push_str(value);
                rest = after;
            } else {
                // A brace that belongs to the text.
                replaced.push('{');
                rest = rest.get(before.len() + 1..).unwrap_or_default();
            }
        }
        replaced + rest
    }

    /// The file of the submitted code.
    pub(super) fn file(&self) -> &str {
        &self.names.file
    }

    fn value(&self, name: &str) -> Option<&str> {
        Some(match name {
            "version" => self.version(),
            "tool" => &self.toolchain.program,
            "file" => self.file(),
            "class" => &self.names.class,
            "artefact" => &self.toolchain.entry.artefact,
            "memory_mib" => &self.memory_mib,
            part => return self.toolchain.parts.get(part).map(String::as_str),
        })
    }

    /// The version as the tool calls it.
    fn version(&self) -> &str {
        let version = self.toolchain.version.as_deref().unwrap_or_default();
        let names = &self.toolchain.entry.version_names;
        names.get(version).map_or(version, String::as_str)
    }

    fn sources(&self) -> impl Iterator<Item = String> {
        let entry = &self.toolchain.entry;
        let names = self.submission.files().iter();
        let names = names.map(|file| file.name().as_str());
        let others = names.filter(|name| name.ends_with(&entry.sources));
        // So that a name that begins with a dash is not taken for an option.
        let relative = |name: &str| format!("./{name}");
        // Where the order counts, as in OCaml, what is used comes before what uses it.
        others.chain([self.file()]).map(relative)
    }
}

/// The names of the code. Where another submitted file has the name of its file, that is in a folder of its own: a compiler
/// wants the file's name of it alone.
fn names_of(submission: &Submission, toolchain: &Toolchain) -> CodeNames {
    let entry = &toolchain.entry;
    let files = || submission.files().iter();
    let sources = files().filter(|file| file.name().as_str().ends_with(&entry.sources));
    let others = sources.filter_map(|file| str::from_utf8(file.content()).ok());
    let mut names = entry.names_of(submission.code(), others);
    let is_taken = |name: &str| files().any(|file| is_in_the_way(file.name().as_str(), name));
    if is_taken(&names.file) {
        let folders = (0..=submission.files().len()).map(|number| format!("code{number}"));
        let mut folders = folders.filter(|folder| !is_taken(folder));
        if let Some(folder) = folders.next() {
            names.file = format!("{folder}/{}", names.file);
        }
    }
    names
}

/// Splits a text into what is before its first placeholder, the name in it, and the rest.
fn split_at_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once('{')?;
    let (name, after) = opened.split_once('}')?;
    Some((before, name, after))
}
