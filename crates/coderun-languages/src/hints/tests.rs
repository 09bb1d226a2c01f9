//! Tests the hints with what real tools wrote.
//!
//! `tests/<language>.toml` has programs with mistakes, what came of them, and the sentence that is expected.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use coderun_domain::testing::{draft, report, submission, user};
use coderun_domain::{
    CompileReport, ExitStatus, Output, Report, Signal, SubmissionDraft, Usage, Verdict,
};
use rstest::rstest;

use super::*;

mod of_operators;
mod texts;

/// A program with a mistake, and what came of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    /// The program, for the reader.
    #[expect(dead_code, reason = "it tells where the message is from")]
    code: String,
    #[serde(default)]
    input: String,
    #[serde(default)]
    compile_error: bool,
    /// As shells report it; the compiler's does not matter.
    exit_code: Option<i32>,
    message: String,
    hint: String,
}

impl Mistake {
    fn run<'a>(&'a self, language: &'a str) -> FailedRun<'a> {
        let verdict = if self.compile_error {
            Verdict::CompileError
        } else {
            Verdict::RuntimeError
        };
        FailedRun {
            language,
            verdict,
            is_compiling: false,
            exit_status: self.exit_code.map(|code| match code {
                129..=159 => ExitStatus::Signaled(Signal::from_number(code - 128)),
                _ => ExitStatus::Exited(code),
            }),
            has_no_input: self.input.is_empty(),
            has_waited: false,
            text: self.message.as_str().into(),
        }
    }
}

fn mistakes() -> Vec<(String, Vec<Mistake>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hints/tests");
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let read = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let mut table: BTreeMap<String, Vec<Mistake>> = toml::from_str(&text).unwrap();
        let language = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (language, table.remove("mistake").unwrap())
    };
    let found: Vec<_> = files.map(|path| read(&path)).collect();
    assert!(found.len() >= 6, "{found:?}");
    found
}

fn table() -> HintTable {
    HintTable::read(include_str!("../hints.toml")).unwrap()
}

#[test]
fn every_mistake_gets_its_hint_and_every_hint_of_a_language_has_a_mistake() {
    let table = table();
    let mut found = HashSet::new();
    for (language, mistakes) in mistakes() {
        for mistake in mistakes {
            let run = mistake.run(&language);
            let (hint, sentence) = table.find(&run).unzip();
            assert_eq!(sentence.as_ref(), Some(&mistake.hint), "{mistake:?}");
            found.extend(hint.map(std::ptr::from_ref));
        }
    }
    for group in table.groups.iter().filter(|it| !it.languages.is_empty()) {
        let hints = [Verdict::RuntimeError, Verdict::CompileError].map(|it| group.hints(it));
        for hint in hints.into_iter().flatten() {
            assert!(
                found.contains(&std::ptr::from_ref(hint)),
                "no mistake has {hint:?}"
            );
        }
    }
}

/// A submission in Python with this input.
fn python(input: &str) -> Submission {
    let draft = SubmissionDraft {
        input: input.to_owned(),
        ..draft()
    };
    submission(user("alice"), draft)
}

/// What the table says about a program in Python that exited with 1.
fn hint_after(stderr: &str) -> Option<String> {
    let outcome = failed(Verdict::RuntimeError, Output::complete(stderr.to_owned()));
    table().hint(&python("1"), &outcome)
}

fn failed(verdict: Verdict, stderr: Output) -> Outcome {
    Outcome::of_run(report(verdict), Output::default(), stderr, None)
}

#[test]
fn a_message_counts_only_with_the_exit_code_of_the_runtime() {
    let stderr = || Output::complete("KeyError: 'a'\n");
    let ended = |code| Report {
        exit_status: Some(ExitStatus::Exited(code)),
        ..report(Verdict::RuntimeError)
    };
    for (code, is_found) in [(1, true), (3, false)] {
        let outcome = Outcome::of_run(ended(code), Output::default(), stderr(), None);
        let hint = table().hint(&python(""), &outcome);
        assert_eq!(hint.is_some(), is_found, "exit code {code}");
    }
}

#[test]
fn stderr_whose_end_was_not_kept_has_no_message() {
    let outcome = failed(Verdict::RuntimeError, Output::truncated("KeyError: 'a'\n"));
    assert_eq!(table().hint(&python(""), &outcome), None);
}

/// The report has no exit status of the program, as where a limit stopped the compiler.
#[test]
fn the_compilers_first_error_counts() {
    let errors = "main.c:1:9: error: 'a' undeclared (first use in this function)\n\
        main.c:2:9: error: expected ';' before 'b'\n";
    let compile = CompileReport {
        exit_status: Some(ExitStatus::Exited(1)),
        usage: Usage::default(),
        output: Output::default(),
        error_output: Output::complete(errors),
    };
    let report = Report {
        exit_status: None,
        compile: Some(compile),
        ..report(Verdict::CompileError)
    };
    let outcome = Outcome::of_run(report, Output::default(), Output::default(), None);
    let draft = SubmissionDraft {
        language: "c".to_owned(),
        ..draft()
    };
    let hint = table().hint(&submission(user("alice"), draft), &outcome);
    assert!(hint.unwrap().starts_with("The name `a` is not known"));
}

#[test]
fn a_program_that_succeeds_gets_no_hint() {
    let written = Output::complete("KeyError: 'a'\n");
    assert_eq!(
        table().hint(&python(""), &failed(Verdict::Accepted, written)),
        None
    );
}

#[rstest]
#[case("", false, "there was none")]
#[case("", true, "more input")]
#[case("1\n", false, "more input")]
fn the_end_of_input_is_explained_by_the_input_that_there_was(
    #[case] input: &str,
    #[case] interactive: bool,
    #[case] expected: &str,
) {
    let draft = SubmissionDraft {
        input: input.to_owned(),
        interactive,
        ..draft()
    };
    let stderr = Output::complete("EOFError: EOF when reading a line\n");
    let outcome = failed(Verdict::RuntimeError, stderr);
    let hint = table()
        .hint(&submission(user("alice"), draft), &outcome)
        .unwrap();
    assert!(hint.contains(expected), "{hint}");
}

/// A program that exited with 1 after it had written this.
fn failed_with(stderr: &str) -> Mistake {
    Mistake {
        code: String::new(),
        input: String::new(),
        compile_error: false,
        exit_code: Some(1),
        message: stderr.to_owned(),
        hint: String::new(),
    }
}

#[test]
fn a_crash_is_explained_by_its_signal_or_its_shells_code() {
    let signal = ExitStatus::Signaled(Signal::from_number(11));
    let hints = [signal, ExitStatus::Exited(139)].map(|exit_status| {
        let report = Report {
            exit_status: Some(exit_status),
            ..report(Verdict::RuntimeError)
        };
        let outcome = Outcome::of_run(report, Output::default(), Output::default(), None);
        table().hint(&python(""), &outcome).unwrap()
    });
    assert!(hints[0].contains("recursion is too deep"), "{hints:?}");
    assert_eq!(hints[0], hints[1]);
}

#[rstest]
#[case::it_used_a_processor(Verdict::TimeLimit, 900, "a loop whose condition")]
#[case::it_waited(Verdict::TimeLimit, 10, "long pauses")]
#[case::memory(Verdict::MemoryLimit, 10, "an array that is too large")]
#[case::output(Verdict::OutputLimit, 10, "a loop that prints")]
#[case::processes(Verdict::ProcessLimit, 10, "more processes or threads")]
#[case::system_call(Verdict::SecurityViolation, 10, "system call")]
fn a_limit_is_explained_by_what_is_usually_wrong(
    #[case] verdict: Verdict,
    #[case] cpu_ms: u64,
    #[case] expected: &str,
) {
    let report = Report {
        usage: Usage {
            cpu_time: Some(Duration::from_millis(cpu_ms)),
            wall_time: Some(Duration::from_secs(1)),
            memory: None,
        },
        ..report(verdict)
    };
    let outcome = Outcome::of_run(report, Output::default(), Output::complete("x"), None);
    let hint = table().hint(&python(""), &outcome).unwrap();
    assert!(hint.contains(expected), "{hint}");
}

#[rstest]
#[case(Verdict::TimeLimit, "The compiler did not end in time")]
#[case(Verdict::MemoryLimit, "The compiler needed more memory")]
fn a_limit_that_stopped_the_compiler_says_so(#[case] verdict: Verdict, #[case] expected: &str) {
    let compile = CompileReport {
        exit_status: None,
        usage: Usage::default(),
        output: Output::default(),
        error_output: Output::default(),
    };
    let report = Report {
        exit_status: None,
        compile: Some(compile),
        ..report(verdict)
    };
    let outcome = Outcome::of_run(report, Output::default(), Output::default(), None);
    let hint = table().hint(&python(""), &outcome).unwrap();
    assert!(hint.starts_with(expected), "{hint}");
}

#[rstest]
#[case::no_such_key("[a]\nruntime_errors = []", "unknown field `runtime_errors`")]
#[case::a_bad_pattern("[a]\ntrace = ['(']", "trace")]
#[case::a_bad_signal(
    "[[a.runtime_error]]\nsignal = 'SEGV'\nhint = ''",
    "unknown signal `SEGV`"
)]
#[case::no_such_group("[[a.runtime_error]]\nmessage = 'a'\nhint = '{1}'", "no such group")]
fn a_table_that_is_wrong_is_not_read(#[case] text: &str, #[case] expected: &str) {
    let error = HintTable::read(text).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}
