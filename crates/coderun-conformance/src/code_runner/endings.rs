//! Checks reports on programs that end by themselves.

use coderun_domain::{ExitStatus, Signal, Verdict};

use super::program::Program;
use super::{RunnerUnderTest, SignalFidelity};

/// A crash is a report that names the signal.
pub async fn a_crash_is_a_report_with_its_signal_or_its_shells_code_by_ability(
    under_test: RunnerUnderTest,
) {
    let code = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)";
    let report = under_test.run(&Program::python(code)).await.report;
    assert_eq!(report.verdict, Verdict::RuntimeError);
    let expected = match under_test.abilities.signals {
        SignalFidelity::Signal => ExitStatus::Signaled(Signal::from_number(11)),
        SignalFidelity::ShellCode => ExitStatus::Exited(128 + 11),
    };
    assert_eq!(report.exit_status, Some(expected));
}

/// The message of an interpreter is the program's stderr.
pub async fn an_exception_is_a_report_with_its_message(under_test: RunnerUnderTest) {
    let ran = under_test.run(&Program::python("1 / 0")).await;
    assert_eq!(ran.report.verdict, Verdict::RuntimeError);
    assert_eq!(ran.report.exit_status, Some(ExitStatus::Exited(1)));
    assert!(
        ran.stderr().contains("ZeroDivisionError"),
        "{}",
        ran.stderr()
    );
}

/// A program that was not built is not run, and the compiler's text is in the report, not in the output.
pub async fn a_program_that_does_not_compile_is_a_compile_error_with_the_compilers_text(
    under_test: RunnerUnderTest,
) {
    let ran = under_test
        .run(&Program::new("c", "int main(void) { return x; }"))
        .await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
    assert_eq!(ran.report.exit_status, None);
    let compile = ran.report.compile.unwrap();
    assert_eq!(compile.exit_status, Some(ExitStatus::Exited(1)));
    let errors = String::from_utf8_lossy(compile.error_output.bytes()).into_owned();
    assert!(
        errors.contains("main.c") && errors.contains("error"),
        "{errors}"
    );
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty());
}

/// A compiled program has a report on each of its stages.
pub async fn a_compiled_program_has_a_report_of_both_stages(under_test: RunnerUnderTest) {
    let code = "#include <stdio.h>\nint main(void) { puts(\"built\"); return 3; }";
    let ran = under_test.run(&Program::new("c", code)).await;
    assert_eq!(ran.stdout(), "built\n");
    assert_eq!(ran.report.exit_status, Some(ExitStatus::Exited(3)));
    let compile = ran.report.compile.unwrap();
    assert_eq!(compile.exit_status, Some(ExitStatus::Exited(0)));
}
