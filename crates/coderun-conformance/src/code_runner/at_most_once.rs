//! Checks that a runner starts a program once at most for one attempt.

use coderun_domain::{ExitStatus, RunnerError, Verdict};

use super::RunnerUnderTest;
use super::program::Program;

/// A program that fails is not started again.
pub async fn a_program_that_fails_is_started_once(under_test: RunnerUnderTest) {
    let code = "import sys\nprint('started', flush=True)\nsys.exit(9)";
    let ran = under_test.run(&Program::python(code)).await;
    assert_eq!(ran.report.exit_status, Some(ExitStatus::Exited(9)));
    assert_eq!(ran.stdout(), "started\n");
    if let Some(answers) = &under_test.lost_answers {
        assert_eq!((answers.programs_sent)(), 1);
    }
}

/// A program whose answer was lost may have run, so it is an error and is not sent again. The next program is not affected.
pub async fn a_program_whose_answer_is_lost_is_not_started_again(under_test: RunnerUnderTest) {
    let program = Program::python("print('started')");
    if let Some(answers) = &under_test.lost_answers {
        (answers.lose_next)();
        let lost = program.run_on(&*under_test.runner).await;
        assert!(
            matches!(lost, Err(RunnerError::Unavailable { .. })),
            "{lost:?}"
        );
        assert_eq!((answers.programs_sent)(), 1);
    }
    let ran = under_test.run(&program).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted);
    assert_eq!(ran.stdout(), "started\n");
}
