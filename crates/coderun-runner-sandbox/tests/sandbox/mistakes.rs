//! Runs programs with the mistakes of a first course, and compares the hints with those that help.
//!
//! `mistakes/<language>` has the programs, and by their names the input of some. `mistakes/hints.toml` lists the hints.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use coderun_conformance::code_runner::Program;
use coderun_conformance::slowness;
use coderun_domain::{ByteSize, HintSource as _, Outcome, Output};
use coderun_languages::{HintTable, LanguageTable};
use rstest::rstest;

use crate::support::{TestSandbox, program};

#[rstest]
#[case::python("python")]
#[case::javascript("javascript")]
#[case::typescript("typescript")]
#[case::bash("bash")]
#[case::java("java")]
#[case::c("c")]
#[case::cpp("cpp")]
#[case::csharp("csharp")]
#[case::go("go")]
#[case::rust("rust")]
#[case::ruby("ruby")]
#[case::php("php")]
#[case::perl("perl")]
#[case::lua("lua")]
#[case::ocaml("ocaml")]
#[case::fortran("fortran")]
#[case::pascal("pascal")]
#[case::sqlite("sqlite")]
#[case::tcl("tcl")]
#[case::r("r")]
#[case::haskell("haskell")]
#[case::nim("nim")]
#[case::elixir("elixir")]
#[tokio::test]
async fn mistakes_get_their_hints(#[case] language: &str) {
    let languages = LanguageTable::built_in().only(&[language]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    let expected = expected_hints(language);
    assert!(!expected.is_empty());
    let mut found = BTreeMap::new();
    for path in programs(language) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        found.insert(name, hint_for(&sandbox, language, &path).await);
    }
    assert_eq!(found, expected);
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/mistakes")
}

/// The hint that each program should get, by its name.
fn expected_hints(language: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("hints.toml")).unwrap();
    let mut hints: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&text).unwrap();
    hints.remove(language).unwrap()
}

fn programs(language: &str) -> impl Iterator<Item = PathBuf> {
    let files = fs::read_dir(folder().join(language)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending != "in"))
}

/// The hint that the owner of a program would read, or how it ended without one.
async fn hint_for(sandbox: &TestSandbox, language: &str, path: &Path) -> String {
    let input = fs::read_to_string(path.with_extension("in")).unwrap_or_default();
    let program = program(language, &fs::read_to_string(path).unwrap())
        .cpu(Duration::from_secs(1))
        .wall(Duration::from_secs(15) * slowness())
        .input(&input);
    // R refuses to start with few open files, and Elixir with smaller files; Nim compiles for seconds.
    let program = Program {
        open_files: 256,
        file_size: ByteSize::from_mib(16),
        compile_time: Duration::from_secs(30) * slowness(),
        ..program
    };
    let submission = program.request(&*sandbox.runner, 1).submission;
    let ran = sandbox.run_program(program).await;
    let [stdout, stderr] = [ran.stdout, ran.stderr].map(Output::complete);
    let outcome = Outcome::of_run(ran.report, stdout, stderr, None);
    let hint = HintTable::built_in().hint(&submission, &outcome);
    hint.unwrap_or_else(|| {
        let written = String::from_utf8_lossy(outcome.error_output().bytes());
        format!("{:?} without a hint: {written}", outcome.verdict())
    })
}
