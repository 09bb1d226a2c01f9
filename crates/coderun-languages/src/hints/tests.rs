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
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
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

#[rstest]
#[case::it_is_the_last_line("KeyError: 'a'\n", true)]
#[case::after_a_line_that_it_does_not_begin("oh\nKeyError: 'a'", true)]
#[case::the_program_went_on("KeyError: 'a'\nbut it goes on\n", false)]
#[case::the_program_says_more("Caught a KeyError: 'a'\n", false)]
#[case::nothing_was_written("", false)]
fn only_the_end_of_stderr_counts(#[case] stderr: &str, #[case] is_found: bool) {
    assert_eq!(hint_after(stderr).is_some(), is_found);
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

/// The texts that patterns see of a Java program that failed with this stderr.
fn messages_in_java(stderr: &str) -> Vec<String> {
    let (table, mistake) = (table(), failed_with(stderr));
    let run = mistake.run("java");
    let group = table.groups.iter();
    let mut group = group.filter(|it| it.languages.iter().any(|language| language == "java"));
    let messages = group.next().unwrap().messages(&run);
    messages.into_iter().map(str::to_owned).collect()
}

const OVERFLOW: &str = "Exception in thread \"main\" java.lang.StackOverflowError";

#[test]
fn a_trace_of_a_deep_recursion_is_skipped_and_a_longer_one_of_other_lines_is_not() {
    let trace = |differs: bool, lines: usize| {
        let line = |number: usize| {
            format!(
                "\tat Main.f{}(Main.java:3)\n",
                if differs { number } else { number % 3 }
            )
        };
        let lines: String = (0..lines).map(line).collect();
        format!("{OVERFLOW}\n{lines}")
    };
    assert_eq!(messages_in_java(&trace(false, 2000))[0], OVERFLOW);
    assert_eq!(messages_in_java(&trace(true, 100))[0], OVERFLOW);
    assert!(messages_in_java(&trace(true, 2000))[0].starts_with("\tat Main.f"));
}

/// Patterns take time for each byte that they see.
#[rstest]
#[case::one_long_line("x".repeat(64 << 10))]
#[case::long_lines(format!("{}\n", "é".repeat(16 << 10)).repeat(2))]
#[case::long_lines_of_a_trace(format!("\tat {}\n", "x".repeat(15 << 10)).repeat(4))]
#[case::short_lines("at\n".repeat(20 << 10))]
#[case::marks("^\n".repeat(32 << 10))]
fn patterns_see_little_of_a_long_text(#[case] stderr: String) {
    for message in messages_in_java(&stderr) {
        assert!(
            message.len() <= 1024 && message.lines().count() <= 4,
            "{}",
            message.len()
        );
    }
}

#[test]
fn what_a_message_carries_is_bounded_and_printable() {
    let name = format!("a\u{1b}[31m\u{202e}{}", "b".repeat(100));
    let hint = hint_after(&format!("KeyError: '{name}'\n")).unwrap();
    assert!(hint.starts_with("There is no key 'a[31mbbb"), "{hint}");
    assert!(hint.contains("bbb…:") && hint.len() < 200, "{hint}");
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

#[test]
fn a_language_that_is_like_another_has_its_hints() {
    let own = "[clang]\nlike = 'c'\n[other]\nlike = 'bash'";
    let languages = LanguageTable::with_file(own).unwrap();
    let hints = HintTable::for_languages(&languages);
    let has_hint = |language| {
        let run = FailedRun {
            language,
            verdict: Verdict::RuntimeError,
            is_compiling: false,
            exit_status: Some(ExitStatus::Exited(1)),
            has_no_input: false,
            has_waited: false,
            text: "".into(),
        };
        hints.find(&run).is_some()
    };
    assert!(has_hint("c") && has_hint("clang"));
    assert!(!has_hint("bash") && !has_hint("other"));
}

#[test]
fn hints_of_an_operator_come_before_those_that_are_built_in() {
    let own = "[python.hints]\nexit_codes = [1]\n[[python.hints.runtime_error]]\n\
        message = 'NameError: .*'\nhint = 'See page 3'\n[other]\nlike = 'python'";
    let hints = HintTable::for_languages(&LanguageTable::with_file(own).unwrap());
    let hint = |language, stderr: &str| {
        let mistake = failed_with(stderr);
        let found = hints.find(&mistake.run(language));
        found.map(|(_, sentence)| sentence).unwrap()
    };
    assert_eq!(
        hint("python", "NameError: name 'x' is not defined\n"),
        "See page 3"
    );
    assert_eq!(
        hint("other", "NameError: name 'x' is not defined\n"),
        "See page 3"
    );
    assert!(hint("python", "ZeroDivisionError: division by zero\n").contains("divides by zero"));
}

#[rstest]
#[case::unknown_key(
    "runtime_errors = []",
    "language `python`: `hints`: unknown field `runtime_errors`"
)]
#[case::other_languages(
    "languages = ['c']",
    "language `python`: `hints`: `languages` is for groups"
)]
#[case::bad_pattern("trace = ['(']", "language `python`: `hints`: ")]
fn hints_of_an_operator_that_are_wrong_are_refused_with_the_language(
    #[case] key: &str,
    #[case] expected: &str,
) {
    let error = LanguageTable::with_file(&format!("[python.hints]\n{key}")).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
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
