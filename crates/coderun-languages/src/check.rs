//! Checks a language for what its types do not say.

use coderun_domain::{FileName, Language};

use crate::{LanguageEntry, hints};

/// The words in braces that the sandbox replaces in commands and environment variables, beside the names of paths.
const PLACEHOLDERS: [&str; 7] = [
    "tool",
    "version",
    "file",
    "class",
    "sources",
    "artefact",
    "memory_mib",
];

/// The words in braces that it replaces in `paths` too, beside the names of `needs` and `helpers`.
const PATH_PLACEHOLDERS: [&str; 2] = ["folder", "home"];

/// Stands for several arguments.
const SOURCES: &str = "{sources}";

/// Says which key of a language cannot be used, and why.
pub(crate) fn check(entry: &LanguageEntry) -> Result<(), String> {
    check_name(&entry.name).map_err(|problem| format!("its name: {problem}"))?;
    for alias in &entry.aliases {
        check_name(alias).map_err(|problem| format!("`aliases`: `{alias}`: {problem}"))?;
    }
    check_file("file", &entry.file)?;
    for name in entry.files.keys() {
        check_file("files", name)?;
    }
    hints::check(&entry.hints).map_err(|problem| format!("`hints`: {problem}"))?;
    check_versions(entry)?;
    check_commands(entry)?;
    check_placeholders(entry)?;
    check_version_use(entry)
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

fn check_versions(entry: &LanguageEntry) -> Result<(), String> {
    let tools = entry.tools.iter().chain(&entry.more_tools);
    let mut relative = tools.filter(|tool| tool.contains('/') && !tool.starts_with('/'));
    if let Some(tool) = relative.next() {
        return Err(format!(
            "`tools`: `{tool}` must be a name or an absolute path"
        ));
    }
    let mut unknown = entry
        .version_names
        .keys()
        .filter(|version| !entry.versions.contains(version));
    if let Some(version) = unknown.next() {
        return Err(format!(
            "`version_names`: `{version}` is none of `versions`"
        ));
    }
    Ok(())
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
    let has_version = !entry.version.is_empty() || !entry.version_input.is_empty();
    if is_given("run") && entry.inspect.is_empty() != has_version {
        return Err(
            "it needs either `version` or `inspect`, to find out whether a tool works".to_owned(),
        );
    }
    if is_given("artefact") {
        check_file("artefact", entry.artefact.trim_end_matches('/'))?;
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
    let parts = entry.needs.keys().chain(&entry.helpers);
    let of_paths: Vec<&str> = PATH_PLACEHOLDERS
        .into_iter()
        .chain(parts.map(String::as_str))
        .collect();
    let of_commands = [&PLACEHOLDERS, of_paths.as_slice()].concat();
    let texts = [
        ("compile", entry.compile.iter().collect(), &of_commands),
        ("run", entry.run.iter().collect(), &of_commands),
        (
            "environment",
            entry.environment.values().collect::<Vec<_>>(),
            &of_commands,
        ),
        ("paths", entry.paths.iter().collect(), &of_paths),
    ];
    for (key, texts, known) in texts {
        for text in texts {
            check_words(key, text, known)?;
            let is_alone = text == SOURCES && key == "compile" && !entry.sources.is_empty();
            if text.contains(SOURCES) && !is_alone {
                return Err(format!(
                    "`{key}`: `{SOURCES}` must be an argument of its own of `compile`, with `sources` given"
                ));
            }
        }
    }
    Ok(())
}

/// Refuses versions that no command asks the tool for: all of them would run the same.
fn check_version_use(entry: &LanguageEntry) -> Result<(), String> {
    let mut texts = entry
        .compile
        .iter()
        .chain(&entry.run)
        .chain(entry.environment.values());
    if entry.versions.is_empty() || texts.any(|text| text.contains("{version}")) {
        return Ok(());
    }
    Err(
        "`versions` needs `{version}` in `compile`, `run` or `environment`; `more_tools` offers other versions of the tool"
            .to_owned(),
    )
}

/// Refuses words in braces that are no placeholders. Other braces belong to the text.
fn check_words(key: &str, text: &str, known: &[&str]) -> Result<(), String> {
    let opened = text.split('{').skip(1);
    let words = opened.filter_map(|rest| rest.split_once('}'));
    let mut words = words.map(|(word, _)| word);
    let Some(word) = words.find(|word| is_word(word) && !known.contains(word)) else {
        return Ok(());
    };
    let known: Vec<_> = known.iter().map(|known| format!("`{{{known}}}`")).collect();
    let known = known.join(", ");
    Err(format!(
        "`{key}`: unknown placeholder `{{{word}}}`; known are {known}"
    ))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
