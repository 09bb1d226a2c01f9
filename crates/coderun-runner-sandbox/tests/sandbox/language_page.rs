//! Checks the page on languages: its table against the languages that there are, and its examples by running them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use coderun_conformance::code_runner::Program;
use coderun_domain::{HintSource as _, Outcome, Output};
use coderun_languages::{HintTable, LanguageEntry, LanguageTable};
use rstest::rstest;

use crate::languages::{TESTED, programs_of};
use crate::programs::{told, with_default_limits};
use crate::support::{TestSandbox, program};

const PAGE: &str = include_str!("../../../../docs/languages.md");

#[test]
fn the_table_lists_every_language_as_it_is() {
    let mut expected = String::new();
    for entry in LanguageTable::built_in().entries() {
        writeln!(expected, "{}", row(entry)).unwrap();
    }
    assert!(PAGE.contains(&expected), "the table must be:\n{expected}");
}

/// The table that `just languages-table` writes. Its columns are the language, its versions, and the modes of the tests.
#[test]
fn the_last_run_had_every_program_of_every_language() {
    let (_, table) = PAGE.split_once("<!-- just languages-table -->\n").unwrap();
    let rows = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    let rows: Vec<Vec<_>> = rows
        .map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let table = LanguageTable::built_in();
    let tested = table.entries().iter().map(LanguageEntry::name);
    let tested: Vec<_> = tested.filter(|name| TESTED.contains(name)).collect();
    let names: Vec<_> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(names, tested, "run `just languages-table`");
    for row in rows {
        let all = programs_of(row[0]);
        let all = format!("{all} of {all}");
        assert_eq!(
            row[2..],
            [&all, &all, &all],
            "run `just languages-table`: {row:?}"
        );
    }
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

async fn prints(languages: LanguageTable, program: Program, expected: &str) {
    let language = program.draft.language.clone();
    let only = languages.only(&[&language]);
    let sandbox = TestSandbox::with(|config| config.languages = only).await;
    let ran = sandbox.run_program(program).await;
    assert_eq!(ran.stdout(), expected, "{}", told(&ran));
}

#[tokio::test]
async fn the_language_that_it_adds_runs() {
    let languages = table_of("Add a language");
    let example = languages.find("awk").unwrap().1.example.clone();
    prints(languages, program("awk", &example), "Hello, World!\n").await;
    let sum = program("awk", "{ sum += $1 } END { print sum }").input("1\n2\n");
    prints(table_of("Add a language"), sum, "3\n").await;
}

#[tokio::test]
async fn a_second_version_runs_the_programs_that_ask_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let second = folder.path().join("python3");
    // It says that it is another version, and runs programs as the first one does.
    let answer = format!("printf '%s\\n' {} 3.13.1", second.display());
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = -I ]; then {answer}; else SECOND=yes exec /usr/bin/python3 \"$@\"; fi\n"
    );
    fs::write(&second, script).unwrap();
    fs::set_permissions(&second, fs::Permissions::from_mode(0o755)).unwrap();
    let text = examples_of("Offer a second version");
    let text = text.replace("/opt/python3.13/bin/python3", second.to_str().unwrap());
    for (version, expected) in [(None, "None\n"), (Some("3.13"), "yes\n")] {
        let mut program = program("python", "import os\nprint(os.environ.get('SECOND'))");
        program.draft.version = version.map(str::to_owned);
        prints(table_with(&text), program, expected).await;
    }
}

const SUMS: &str = "import numpy\nprint(numpy.arange(12).reshape(3, 4).sum(axis=0).tolist())";
const FIGURE: &str = "import matplotlib.pyplot as plot\nplot.plot([1, 2, 3])\nplot.savefig('figure.png')\n\
    print(open('figure.png', 'rb').read(4))";

/// `./test` installs the packages, in an environment of Debian's Python, which ordinary users may read too.
#[rstest]
#[case::numpy(SUMS, "[12, 15, 18, 21]\n")]
#[case::matplotlib(FIGURE, "b'\\x89PNG'\n")]
#[tokio::test]
async fn packages_are_there_under_the_name_that_it_gives(
    #[case] code: &str,
    #[case] expected: &str,
) {
    let venv = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/packages");
    let venv = Path::new(venv).canonicalize().unwrap();
    let text = examples_of("Offer packages").replace("/srv/venvs/numpy", venv.to_str().unwrap());
    let languages = table_with(&text).only(&["python-numpy"]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    let program = with_default_limits(Program::new("python-numpy", code));
    let ran = sandbox.run_program(program).await;
    assert_eq!(ran.stdout(), expected, "{}", told(&ran));
    assert_eq!(ran.stderr(), "");
}

#[tokio::test]
async fn the_first_standard_is_the_default() {
    let languages = table_of("Choose the standard that C++ has without a version");
    let code = "#include <expected>\n#include <iostream>\n\
        constexpr int where() { if consteval { return 1; } else { return 2; } }\n\
        int main() {\n    std::expected<int, int> value = where();\n    constexpr int constant = where();\n\
        \x20   std::cout << *value << constant << '\\n';\n}";
    prints(languages, program("cpp", code), "21\n").await;
}

#[tokio::test]
async fn a_hint_of_ones_own_is_given() {
    let languages = table_of("Give hints of your own");
    let sandbox = TestSandbox::start().await;
    let program = program("python", "import course");
    let submission = program.request(&*sandbox.runner, 1).submission;
    let ran = sandbox.run_program(program).await;
    let [stdout, stderr] = [ran.stdout, ran.stderr].map(Output::complete);
    let outcome = Outcome::of_run(ran.report, stdout, stderr, None);
    let hint = HintTable::for_languages(&languages).hint(&submission, &outcome);
    let expected = "Send the file course.py with the program: it is on the page of the exercise";
    assert_eq!(hint.as_deref(), Some(expected));
}
