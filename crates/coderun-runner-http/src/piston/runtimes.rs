//! Reads the list of runtimes that Piston has.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::catalog::{ListedRuntime, Runtime, RuntimeList};
use crate::error::ApiError;

/// Further entries are not read.
const ENTRIES_MAX: usize = 2000;

/// One entry of `/runtimes`.
#[derive(Deserialize)]
struct Entry {
    language: String,
    version: String,
    #[serde(default)]
    aliases: Vec<String>,
    /// The package that it is part of, if that is not the language's own.
    runtime: Option<String>,
}

/// Reads the answer to `/runtimes`. Entries that cannot be used are counted.
pub(super) fn read(body: &[u8]) -> Result<RuntimeList, ApiError> {
    let entries: Vec<&RawValue> = serde_json::from_slice(body)?;
    let runtimes: Vec<_> = entries
        .iter()
        .take(ENTRIES_MAX)
        .filter_map(|entry| listed(serde_json::from_str(entry.get()).ok()?))
        .collect();
    Ok(RuntimeList {
        skipped: entries.len().saturating_sub(runtimes.len()),
        runtimes,
    })
}

fn listed(entry: Entry) -> Option<ListedRuntime> {
    let lower = entry.language.to_ascii_lowercase();
    let name = canonical_name(&lower);
    let is_alternative = entry.runtime.as_deref() != preferred_package(name);
    let runtime = Runtime {
        language: entry.language,
        version: entry.version,
    };
    let mut listed = ListedRuntime::new(name, runtime)?;
    listed.aliases = entry.aliases;
    listed.is_alternative = is_alternative;
    Some(listed)
}

fn canonical_name(piston_name: &str) -> &str {
    match piston_name {
        "c++" => "cpp",
        "rscript" => "r",
        name => name,
    }
}

/// The package that programs in a language are commonly written for, where Piston has several.
fn preferred_package(language: &str) -> Option<&'static str> {
    match language {
        "javascript" => Some("node"),
        "c" | "cpp" => Some("gcc"),
        "csharp" => Some("mono"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coderun_languages::LanguageTable;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::catalog::RuntimeCatalog;

    fn catalog(list: &Value) -> RuntimeCatalog {
        let catalog = RuntimeCatalog::new(LanguageTable::built_in(), Duration::from_mins(1));
        catalog.replace(read(list.to_string().as_bytes()).unwrap());
        catalog
    }

    #[rstest]
    #[case("python", "python", "main.py", "py")]
    #[case("javascript", "javascript", "main.js", "js")]
    #[case("c", "c", "main.c", "gcc")]
    #[case("c++", "cpp", "main.cpp", "c++")]
    #[case("bash", "bash", "main.sh", "sh")]
    #[case("csharp", "csharp", "main.cs", "c#")]
    #[case("rscript", "r", "main.r", "rscript")]
    #[case("MATL", "matl", "main.matl", "m")]
    #[case("fsharp.net", "fsharp.net", "main.fsharp.net", "fs")]
    #[tokio::test]
    async fn a_language_has_its_canonical_name_aliases_and_entry_file(
        #[case] piston_name: &str,
        #[case] name: &str,
        #[case] entry_file: &str,
        #[case] alias: &str,
    ) {
        let aliases = ["M", "fs", "visual basic"];
        let entry = json!({"language": piston_name, "version": "1.2.3", "aliases": aliases});
        let catalog = catalog(&json!([entry]));
        let spec = &catalog.languages()[0];
        assert_eq!(spec.language.as_str(), name);
        assert_eq!(spec.entry_file, entry_file);
        assert!(spec.aliases.contains(&alias.to_owned()), "{spec:?}");
        assert!(!spec.aliases.contains(&name.to_owned()));
        assert!(!spec.aliases.contains(&"visual basic".to_owned()));
        let (runtime, _) = catalog.find(&spec.language, None).unwrap();
        assert_eq!(runtime.language, piston_name);
    }

    #[tokio::test]
    async fn of_several_packages_the_common_one_comes_first() {
        let catalog = catalog(&json!([
            {"language": "javascript", "version": "99.0.0", "aliases": ["deno-js"], "runtime": "deno"},
            {"language": "typescript", "version": "99.0.0", "aliases": ["deno-ts"], "runtime": "deno"},
            {"language": "javascript", "version": "18.15.0", "aliases": ["node-js"], "runtime": "node"},
            {"language": "javascript", "version": "20.11.1", "aliases": ["node-js"], "runtime": "node"},
            {"language": "typescript", "version": "5.0.3", "aliases": ["ts"]},
        ]));
        let specs = catalog.languages();
        assert_eq!(specs[0].versions, ["20.11.1", "18.15.0", "99.0.0"]);
        assert_eq!(specs[1].versions, ["5.0.3", "99.0.0"]);
        assert!(specs[0].aliases.contains(&"deno-js".to_owned()));
    }

    #[rstest]
    #[case::name(json!({"language": "visual basic", "version": "1.0.0"}))]
    #[case::long_name(json!({"language": "x".repeat(33), "version": "1.0.0"}))]
    #[case::version(json!({"language": "x", "version": "latest"}))]
    #[case::long_version(json!({"language": "x", "version": format!("1.0.0-{}", "a".repeat(64))}))]
    #[case::no_version(json!({"language": "x"}))]
    #[case::types(json!({"language": 1, "version": []}))]
    #[case::aliases(json!({"language": "x", "version": "1.0.0", "aliases": [1]}))]
    #[case::scalar(json!(7))]
    fn an_entry_that_cannot_be_used_is_left_out(#[case] entry: Value) {
        let good = json!({"language": "python", "version": "3.12.0"});
        let list = read(json!([entry, good]).to_string().as_bytes()).unwrap();
        assert_eq!((list.runtimes.len(), list.skipped), (1, 1));
    }

    #[rstest]
    #[case("")]
    #[case("{}")]
    #[case("null")]
    #[case("<html>")]
    #[case("[1")]
    fn what_is_no_list_is_malformed(#[case] body: &str) {
        assert!(read(body.as_bytes()).is_err());
    }
}
