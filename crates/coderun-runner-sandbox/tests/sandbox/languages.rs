//! Runs each language with its real toolchain: its example, and what beginners' programs do, from input to endless loops.
//!
//! `languages/<language>` has the programs. Of `stdin`, `unicode`, `thread`, `endless` and `hungry` all languages' must come to
//! the same. Beside `failure` and `broken` lie lines of what the user reads, in `.err`, and how `failure` ends, in `.exit`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use coderun_conformance::code_runner::{CompletedRun, Program};
use coderun_conformance::slowness;
use coderun_domain::{CodeRunner as _, ExitStatus, Verdict};
use coderun_languages::LanguageTable;

use crate::programs::{assert_has_lines, told, with_default_limits};
use crate::support::TestSandbox;

macro_rules! languages {
    ($($language:ident)*) => {
        $(mod $language {
            use crate::languages::*;

            const NAME: &str = stringify!($language);

            #[tokio::test]
            async fn hello() {
                greets(NAME).await;
            }

            #[tokio::test]
            async fn stdin() {
                prints(NAME, &code(NAME, "stdin"), "3\n4\n5\n", "12\n").await;
            }

            #[tokio::test]
            async fn unicode() {
                let (given, written) = ("Grüße, 世界 🌍\n", "Grüße, 世界 🌍\nžluťoučký 🐎\n");
                prints(NAME, &code(NAME, "unicode"), given, written).await;
            }

            #[tokio::test]
            async fn thread() {
                prints(NAME, &code(NAME, "thread"), "", "10\n").await;
            }

            #[tokio::test]
            async fn failure() {
                fails(NAME).await;
            }

            #[tokio::test]
            async fn broken() {
                is_refused(NAME).await;
            }

            #[tokio::test]
            async fn endless() {
                reaches(NAME, "endless", Verdict::TimeLimit).await;
            }

            #[tokio::test]
            async fn hungry() {
                reaches(NAME, "hungry", Verdict::MemoryLimit).await;
            }
        })*

        /// The languages whose programs are run.
        pub(crate) const TESTED: &[&str] = &[$(stringify!($language)),*];
        /// The programs that each of them has.
        const PROGRAMS: usize = 8;
    };
}

languages! {
    python javascript typescript java bash c cpp csharp go rust ruby php perl lua ocaml fortran pascal sqlite tcl r haskell nim elixir
}

/// Runs programs that are refused memory or threads at once, and that their runtimes end for it.
macro_rules! refusals {
    ($($language:ident: $($name:ident)*;)*) => {
        mod refused {
            $(mod $language {
                use crate::languages::*;

                $(#[tokio::test]
                async fn $name() {
                    let limit = if stringify!($name) == "huge" { Verdict::MemoryLimit } else { Verdict::ProcessLimit };
                    reaches(stringify!($language), stringify!($name), limit).await;
                })*
            })*
        }

        /// How many programs of a language are run.
        pub(crate) fn programs_of(language: &str) -> usize {
            let refused: &[(&str, &[&str])] = &[$((stringify!($language), &[$(stringify!($name)),*])),*];
            let refused = refused.iter().find(|(name, _)| *name == language);
            PROGRAMS + refused.map_or(0, |(_, names)| names.len())
        }
    };
}

refusals! {
    csharp: huge threads;
    fortran: huge;
    go: huge threads;
    haskell: huge;
    java: huge threads;
    ocaml: huge threads;
    pascal: huge;
    perl: huge;
    php: huge;
    r: huge;
    ruby: huge threads;
    rust: huge threads;
    tcl: huge;
}

#[test]
fn every_folder_of_programs_is_tested() {
    let folders = fs::read_dir(folder()).unwrap();
    let mut found: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut tested = TESTED.to_vec();
    found.sort();
    tested.sort_unstable();
    assert_eq!(found, tested);
}

/// Runs the example in each version, and writes down the versions for the table of `docs/languages.md`.
#[expect(clippy::print_stdout, reason = "`just languages-table` reads it")]
async fn greets(language: &str) {
    let sandbox = sandbox_of(language).await;
    let specs = sandbox.runner.languages();
    let versions: Vec<_> = specs.iter().flat_map(|spec| &spec.versions).collect();
    assert!(!versions.is_empty(), "no toolchain of {language}");
    for version in versions {
        let mut program = program(language, &example(language));
        program.draft.version = Some(version.clone());
        let ran = sandbox.run_program(program).await;
        assert_eq!(ran.stdout(), "Hello, World!\n", "{version}: {}", told(&ran));
        assert_eq!(ran.stderr(), "", "{version}: {}", told(&ran));
        println!(
            "version: {language} {}",
            ran.report.language_version.unwrap()
        );
    }
}

async fn prints(language: &str, code: &str, input: &str, expected: &str) {
    let ran = run(language, program(language, code).input(input)).await;
    assert_eq!(ran.stdout(), expected, "{}", told(&ran));
    assert_eq!(ran.stderr(), "", "{}", told(&ran));
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", told(&ran));
}

/// Checks a program that writes a line and then fails in the way of its language.
async fn fails(language: &str) {
    let ran = run(language, program(language, &code(language, "failure"))).await;
    assert_eq!(ran.report.verdict, Verdict::RuntimeError, "{}", told(&ran));
    assert_has_lines(&ran.stderr(), &beside(language, "failure.err"));
    let ended = match ran.report.exit_status {
        Some(ExitStatus::Exited(code)) => code.to_string(),
        Some(ExitStatus::Signaled(signal)) => signal.to_string(),
        None => String::new(),
    };
    assert_eq!(ended, beside(language, "failure.exit").trim());
}

/// Checks a program that is no program of its language: its compiler refuses it, or its interpreter.
async fn is_refused(language: &str) {
    let ran = run(language, program(language, &code(language, "broken"))).await;
    let compile = ran.report.compile.as_ref();
    let (verdict, text) = match compile {
        Some(compile) => (Verdict::CompileError, &**compile.error_output.bytes()),
        None => (Verdict::RuntimeError, ran.stderr.as_slice()),
    };
    assert_eq!(ran.report.verdict, verdict, "{}", told(&ran));
    assert_has_lines(
        &String::from_utf8_lossy(text),
        &beside(language, "broken.err"),
    );
}

async fn reaches(language: &str, name: &str, limit: Verdict) {
    let mut program = program(language, &code(language, name));
    if limit == Verdict::TimeLimit {
        program.cpu = Duration::from_millis(600) * slowness();
    }
    let ran = run(language, program).await;
    assert_eq!(ran.report.verdict, limit, "{}", told(&ran));
}

/// A program under the limits that the service sets by default.
fn program(language: &str, code: &str) -> Program {
    with_default_limits(Program::new(language, code))
}

async fn run(language: &str, program: Program) -> CompletedRun {
    sandbox_of(language).await.run_program(program).await
}

async fn sandbox_of(language: &str) -> TestSandbox {
    let only = LanguageTable::built_in().only(&[language]);
    TestSandbox::with(|config| config.languages = only).await
}

fn example(language: &str) -> String {
    let table = LanguageTable::built_in();
    let (_, entry) = table.find(language).unwrap();
    entry.example.clone()
}

/// The text of a program, whose ending is that of its language.
fn code(language: &str, name: &str) -> String {
    let table = LanguageTable::built_in();
    let (_, entry) = table.find(language).unwrap();
    let (_, ending) = entry.file.rsplit_once('.').unwrap();
    beside(language, &format!("{name}.{ending}"))
}

fn beside(language: &str, file: &str) -> String {
    fs::read_to_string(folder().join(language).join(file)).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/languages")
}
