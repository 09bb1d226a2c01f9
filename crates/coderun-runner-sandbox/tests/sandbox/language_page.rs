//! Checks the page on languages: its table against the languages that there are, and its examples by running them.

use std::fmt::Write as _;

use coderun_languages::{LanguageEntry, LanguageTable};

use crate::languages::TESTED;
use crate::support::{TestSandbox, program};
use crate::toolchains::virtual_environment;

const PAGE: &str = include_str!("../../../../docs/languages.md");

#[test]
fn the_table_lists_every_language_as_it_is() {
    let mut expected = String::new();
    for entry in LanguageTable::built_in().entries() {
        writeln!(expected, "{}", row(entry)).unwrap();
    }
    assert!(PAGE.contains(&expected), "the table must be:\n{expected}");
}

fn row(entry: &LanguageEntry) -> String {
    let name = entry.name();
    let tested = if TESTED.contains(&name) { "yes" } else { "no" };
    let (aliases, tools) = (quoted(&entry.aliases), quoted(&entry.tools));
    format!(
        "| {name} | {aliases} | `{}` | {tools} | {tested} |",
        entry.file
    )
}

fn quoted(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// The table with what one section of the page adds to it.
fn table_of(section: &str) -> LanguageTable {
    table_with(&examples_of(section))
}

fn table_with(text: &str) -> LanguageTable {
    LanguageTable::with_file(text).unwrap()
}

fn examples_of(section: &str) -> String {
    let (_, text) = PAGE.split_once(&format!("### {section}\n")).unwrap();
    let text = text.split_once("\n#").map_or(text, |(text, _)| text);
    let blocks = text.split("```toml\n").skip(1);
    let blocks = blocks.map(|block| block.split_once("```").unwrap().0);
    blocks.collect::<Vec<_>>().join("\n")
}

async fn prints(languages: LanguageTable, language: &str, code: &str, expected: &str) {
    let sandbox = TestSandbox::with(|config| config.languages = languages.only(&[language])).await;
    let ran = sandbox.run_program(program(language, code)).await;
    assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
}

#[tokio::test]
async fn the_language_that_it_adds_runs() {
    let languages = table_of("Add a language");
    let example = languages.find("awk").unwrap().1.example.clone();
    prints(languages, "awk", &example, "Hello, World!\n").await;
}

#[test]
fn a_second_version_is_added_to_the_first() {
    let languages = table_of("Offer a second version");
    let python = languages.find("python").unwrap().1;
    assert_eq!(python.more_tools, ["/opt/python3.13/bin/python3"]);
    assert!(!python.tools.is_empty());
}

#[tokio::test]
async fn packages_are_there_under_the_name_that_it_gives() {
    let (_folder, venv) = virtual_environment();
    let text = examples_of("Offer packages").replace("/srv/venvs/numpy", venv.to_str().unwrap());
    let code = "import cowsay\ncowsay.cow('hello')";
    prints(table_with(&text), "python-numpy", code, "moo hello\n").await;
}

#[tokio::test]
async fn the_first_standard_is_the_default() {
    let languages = table_of("Choose the standard that C++ has without a version");
    let code = "#include <iostream>\nint main() { std::cout << (__cplusplus > 202002) << '\\n'; }";
    prints(languages, "cpp", code, "1\n").await;
}

#[test]
fn limits_of_one_language_are_its_own() {
    let languages = table_of("Give one language other limits");
    let mib = |name: &str| {
        let limits = languages.find(name).unwrap().1.limits;
        [limits.default, limits.minimum].map(|limits| limits.memory_mib.map(std::num::NonZero::get))
    };
    assert_eq!(mib("java"), [Some(512), Some(96)]);
    assert_ne!(mib("python"), mib("java"));
}
