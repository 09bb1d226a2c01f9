use rstest::rstest;

use super::*;
use crate::testing::{limit_policy, report};
use crate::{CompileReport, Signal};

const KILLED: ExitStatus = ExitStatus::Signaled(Signal::KILL);

fn outcome_of(report: Report) -> Outcome {
    Outcome::of_run(report, Output::default(), Output::default(), None)
}

fn run(verdict: Verdict, exit_status: ExitStatus, cpu_ms: u64) -> Outcome {
    outcome_of(Report {
        verdict,
        exit_status: Some(exit_status),
        usage: Usage {
            cpu_time: Some(Duration::from_millis(cpu_ms)),
            ..Usage::default()
        },
        ..report(verdict)
    })
}

#[rstest]
#[case("42\n", "42", Verdict::Accepted)]
#[case("42  \r\n\n\n", "42\n", Verdict::Accepted)]
#[case("a \nb\t\n", "a\nb", Verdict::Accepted)]
#[case(" 42", "42", Verdict::WrongAnswer)]
#[case("a\n\nb", "a\nb", Verdict::WrongAnswer)]
#[case("", "42", Verdict::WrongAnswer)]
fn expected_output_is_compared_without_trailing_white_space(
    #[case] actual: &'static str,
    #[case] expected: &str,
    #[case] verdict: Verdict,
) {
    let outcome = Outcome::of_run(
        report(Verdict::Accepted),
        Output::complete(actual),
        Output::default(),
        Some(expected),
    );
    assert_eq!(outcome.verdict(), verdict);
}

#[test]
fn a_failed_program_is_no_wrong_answer() {
    let outcome = Outcome::of_run(
        report(Verdict::RuntimeError),
        Output::complete("1"),
        Output::default(),
        Some("2"),
    );
    assert_eq!(outcome.verdict(), Verdict::RuntimeError);
}

#[rstest]
#[case(
    run(Verdict::TimeLimit, KILLED, 5001),
    "CPU time limit of 5 s exceeded"
)]
#[case(run(Verdict::TimeLimit, KILLED, 10), "Time limit of 15 s exceeded")]
#[case(
    run(Verdict::MemoryLimit, KILLED, 0),
    "Memory limit of 256 MiB exceeded"
)]
#[case(run(Verdict::OutputLimit, KILLED, 0), "Output limit of 1 MiB exceeded")]
#[case(
    run(Verdict::ProcessLimit, ExitStatus::Exited(1), 0),
    "Process limit of 64 exceeded"
)]
#[case(
    run(Verdict::RuntimeError, ExitStatus::Exited(3), 0),
    "The program exited with code 3"
)]
#[case(
    run(
        Verdict::RuntimeError,
        ExitStatus::Signaled(Signal::from_number(11)),
        0
    ),
    "The program was ended by SIGSEGV"
)]
#[case(
    Outcome::without_run(EndedWithoutRun::Failed, "It waited too long"),
    "It waited too long"
)]
fn an_error_is_explained_in_one_sentence(#[case] outcome: Outcome, #[case] sentence: &str) {
    let limits = *limit_policy().default_limits();
    assert_eq!(outcome.explanation(&limits).as_deref(), Some(sentence));
}

#[test]
fn a_compiler_that_is_stopped_is_explained_by_its_own_limits() {
    let compile = CompileReport {
        exit_status: Some(KILLED),
        usage: Usage {
            cpu_time: Some(Duration::from_secs(15)),
            ..Usage::default()
        },
        output: Output::default(),
        error_output: Output::default(),
    };
    let outcome = outcome_of(Report {
        exit_status: None,
        compile: Some(compile),
        ..report(Verdict::TimeLimit)
    });
    let limits = *limit_policy().default_limits();
    assert_eq!(
        outcome.explanation(&limits).as_deref(),
        Some("CPU time limit of 15 s exceeded")
    );
}

#[test]
fn success_needs_no_explanation() {
    let limits = *limit_policy().default_limits();
    assert_eq!(
        run(Verdict::Accepted, ExitStatus::Exited(0), 1).explanation(&limits),
        None
    );
}

#[test]
fn a_compile_error_shows_the_output_of_the_compiler() {
    let compile = CompileReport {
        exit_status: Some(ExitStatus::Exited(1)),
        usage: Usage::default(),
        output: Output::complete("on stdout"),
        error_output: Output::complete("main.c:1: error"),
    };
    let refused = |compile| {
        outcome_of(Report {
            exit_status: None,
            compile: Some(compile),
            ..report(Verdict::CompileError)
        })
    };
    let quiet = CompileReport {
        error_output: Output::default(),
        ..compile.clone()
    };
    assert_eq!(refused(compile).error_output().bytes(), "main.c:1: error");
    assert_eq!(refused(quiet).error_output().bytes(), "on stdout");
}

fn restored(outcome: &Outcome, verdict: Verdict) -> Result<Outcome, OutcomeError> {
    Outcome::restore(OutcomeParts {
        verdict,
        reason: outcome.reason().map(str::to_owned),
        report: outcome.report().cloned(),
        output: outcome.output().clone(),
        error_output: outcome.error_output().clone(),
    })
}

#[test]
fn an_outcome_can_be_restored() {
    let wrong = Outcome::of_run(
        report(Verdict::Accepted),
        Output::complete("41"),
        Output::default(),
        Some("42"),
    );
    let cancelled = Outcome::without_run(EndedWithoutRun::Cancelled, "It was cancelled");
    for outcome in [wrong, cancelled] {
        assert_eq!(restored(&outcome, outcome.verdict()), Ok(outcome));
    }
}

#[test]
fn a_verdict_that_contradicts_the_report_is_not_restored() {
    let failed = Outcome::without_run(EndedWithoutRun::Failed, "It failed");
    let verdict = Verdict::Accepted;
    assert_eq!(restored(&failed, verdict), Err(OutcomeError { verdict }));
}

#[rstest]
#[case::of_the_table(None, Some("Add a colon"))]
#[case::of_the_runner(Some("It was too large"), Some("It was too large"))]
fn a_hint_is_added_where_the_runner_gave_none(
    #[case] given: Option<&str>,
    #[case] expected: Option<&str>,
) {
    let outcome = outcome_of(Report {
        hint: given.map(str::to_owned),
        ..report(Verdict::RuntimeError)
    });
    let outcome = outcome.with_hint(|_| Some("Add a colon".to_owned()));
    assert_eq!(outcome.report().unwrap().hint.as_deref(), expected);
}

#[test]
fn an_end_without_a_report_gets_no_hint() {
    let failed = Outcome::without_run(EndedWithoutRun::Failed, "It failed");
    assert_eq!(failed.clone().with_hint(|_| panic!("no report")), failed);
}
