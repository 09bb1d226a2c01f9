//! Checks a language for what its types do not say.

use coderun_domain::{FileName, Language};

use crate::LanguageEntry;

/// The words in braces that the sandbox replaces in commands and environment variables.
const PLACEHOLDERS: [&str; 5] = ["tool", "file", "sources", "artefact", "memory_mib"];

/// Stands for several arguments.
const SOURCES: &str = "{sources}";

/// Says which key of a language cannot be used, and why.
pub(crate) fn check(entry: &LanguageEntry) -> Result<(), String> {
    check_name(&entry.name).map_err(|problem| format!("its name: {problem}"))?;
    for alias in &entry.aliases {
        check_name(alias).map_err(|problem| format!("`aliases`: `{alias}`: {problem}"))?;
    }
    check_file("file", &entry.file)?;
    check_commands(entry)?;
    check_placeholders(entry)
}

fn check_name(name: &str) -> Result<(), String> {
    Language::parse(name)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn check_file(key: &str, name: &str) -> Result<(), String> {
    let parsed = FileName::parse(name);
    parsed.map(drop).map_err(|error| format!("`{key}` {error}"))
}

fn check_commands(entry: &LanguageEntry) -> Result<(), String> {
    let given = [
        ("run", !entry.run.is_empty()),
        ("tools", !entry.tools.is_empty()),
        ("compile", entry.is_compiled()),
        ("artefact", !entry.artefact.is_empty()),
        ("sources", !entry.sources.is_empty()),
    ];
    let is_given = |key| given.contains(&(key, true));
    // A key of the left needs that of the right.
    let needs = [
        ("run", "tools"),
        ("compile", "run"),
        ("compile", "artefact"),
        ("artefact", "compile"),
        ("sources", "compile"),
    ];
    let missing = needs
        .into_iter()
        .find(|(key, needed)| is_given(key) && !is_given(needed));
    if let Some((key, needed)) = missing {
        return Err(format!("`{needed}` is missing, which `{key}` needs"));
    }
    if is_given("run") && entry.inspect.is_empty() == entry.version.is_empty() {
        return Err(
            "it needs either `version` or `inspect`, to find out whether a tool works".to_owned(),
        );
    }
    if is_given("artefact") {
        check_file("artefact", &entry.artefact)?;
    }
    if !entry.file.ends_with(&entry.sources) {
        return Err(format!(
            "`file` must end with `{}`, as `sources` says",
            entry.sources
        ));
    }
    Ok(())
}

fn check_placeholders(entry: &LanguageEntry) -> Result<(), String> {
    let commands = [("compile", &entry.compile), ("run", &entry.run)];
    let arguments = commands
        .into_iter()
        .flat_map(|(key, command)| command.iter().map(move |argument| (key, argument)));
    let variables = entry
        .environment
        .values()
        .map(|value| ("environment", value));
    for (key, text) in arguments.chain(variables) {
        if let Some(word) = unknown_placeholder(text) {
            let known = PLACEHOLDERS
                .map(|known| format!("`{{{known}}}`"))
                .join(", ");
            return Err(format!(
                "`{key}`: unknown placeholder `{{{word}}}`; known are {known}"
            ));
        }
        let is_alone = text == SOURCES && key == "compile" && !entry.sources.is_empty();
        if text.contains(SOURCES) && !is_alone {
            return Err(format!(
                "`{key}`: `{SOURCES}` must be an argument of its own of `compile`, with `sources` given"
            ));
        }
    }
    Ok(())
}

/// The first word in braces that is no placeholder. Other braces belong to the text.
fn unknown_placeholder(text: &str) -> Option<&str> {
    let opened = text.split('{').skip(1);
    let mut words = opened
        .filter_map(|rest| rest.split_once('}'))
        .map(|(word, _)| word);
    words.find(|word| is_word(word) && !PLACEHOLDERS.contains(word))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
