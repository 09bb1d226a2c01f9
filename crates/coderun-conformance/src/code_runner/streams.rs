//! Checks the input and the output of programs.

use coderun_domain::{DraftFile, ExitStatus, Verdict};

use super::program::Program;
use super::{OutputFidelity, RunnerUnderTest};

/// The streams and the exit code are told apart.
pub async fn stdout_stderr_and_the_exit_code_are_told_apart(under_test: RunnerUnderTest) {
    let code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(7)";
    let ran = under_test.run(&Program::python(code)).await;
    assert_eq!((ran.stdout(), ran.stderr().as_str()), ("out\n", "err\n"));
    assert_eq!(ran.report.exit_status, Some(ExitStatus::Exited(7)));
    assert_eq!(ran.report.verdict, Verdict::RuntimeError);
    assert_eq!(ran.cut, []);
}

/// The runner passes the submission's input to the program by itself.
pub async fn the_submissions_input_is_stdin(under_test: RunnerUnderTest) {
    let program = Program::python("print(input()[::-1])").input("stressed\n");
    assert_eq!(under_test.run(&program).await.stdout(), "desserts\n");
}

/// Arguments arrive one by one, whatever they contain.
pub async fn arguments_reach_the_program(under_test: RunnerUnderTest) {
    let mut program = Program::python("import sys\nprint('|'.join(sys.argv[1:]))");
    program.draft.args = ["a b", "", "-x", "$HOME", "'"].map(str::to_owned).to_vec();
    assert_eq!(under_test.run(&program).await.stdout(), "a b||-x|$HOME|'\n");
}

/// Submitted files have their names and their bytes.
pub async fn files_lie_beside_the_program(under_test: RunnerUnderTest) {
    let code = "print(open('data/in.txt').read(), open('raw', 'rb').read().hex())";
    let mut program = Program::python(code);
    program.draft.files = vec![
        DraftFile::new("data/in.txt", "inside"),
        DraftFile::new("raw", [0, 0xff, b'\n'].as_slice()),
    ];
    assert_eq!(under_test.run(&program).await.stdout(), "inside 00ff0a\n");
}

/// A program without output is accepted.
pub async fn a_program_that_does_nothing_is_accepted(under_test: RunnerUnderTest) {
    let ran = under_test.run(&Program::python("\n")).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted);
    assert_eq!(ran.report.exit_status, Some(ExitStatus::Exited(0)));
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty());
}

/// Each stream keeps the order in which it was written.
pub async fn what_goes_to_both_streams_keeps_its_order_on_each(under_test: RunnerUnderTest) {
    let code = "import os\nfor i in range(100):\n    os.write(1, b'%d\\n' % i)\n    os.write(2, b'%d\\n' % -i)";
    let ran = under_test.run(&Program::python(code)).await;
    let numbers = |text: &str| -> Vec<i32> {
        let lines = text.lines().map(|line| line.parse().unwrap());
        lines.collect()
    };
    assert!(numbers(ran.stdout()).into_iter().eq(0..100));
    assert!(numbers(&ran.stderr()).into_iter().eq((0..100).map(|i| -i)));
}

/// Output that is not UTF-8 arrives unchanged, or with U+FFFD in place of bad bytes.
pub async fn output_that_is_not_utf8_survives_or_is_replaced_by_ability(
    under_test: RunnerUnderTest,
) {
    let program = Program::python("import os\nos.write(1, b'a\\x00\\xffb')");
    let ran = under_test.run(&program).await;
    let expected = match under_test.abilities.output {
        OutputFidelity::Bytes => b"a\0\xffb".as_slice(),
        OutputFidelity::Text => "a\0\u{fffd}b".as_bytes(),
    };
    assert_eq!(ran.stdout, expected);
    assert_eq!(ran.report.verdict, Verdict::Accepted);
}

/// A runner that passes no input on ends stdin after the submission's own input, so that the program does not wait in vain.
/// Its profile excludes such programs, but it may have changed since one was accepted.
pub async fn an_interactive_program_gets_its_own_input_and_then_more_or_the_end_by_profile(
    under_test: RunnerUnderTest,
) {
    let is_interactive = under_test.runner.profile().interactive;
    let program = Program::python("import sys\nprint(sys.stdin.read().strip()[::-1])").input("de");
    let report = program.run_interactively(&*under_test.runner, async |client| {
        if is_interactive {
            client.send("liver");
            client.close();
        }
        let expected = if is_interactive { "reviled\n" } else { "ed\n" };
        assert_eq!(client.read_stdout_until("\n").await, expected);
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}
