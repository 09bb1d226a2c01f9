//! Checks the limits of the compile stage.

use std::time::Duration;

use coderun_domain::{ByteSize, CompileReport, DraftFile, Verdict};

use super::RunnerUnderTest;
use super::program::{CompletedRun, Program};

/// A compiler has a limit on time of its own, and a program that was not built is not run.
pub async fn a_compiler_that_runs_too_long_meets_its_time_limit(under_test: RunnerUnderTest) {
    // Twice as many inclusions at each of 100 levels.
    let header =
        "#if __INCLUDE_LEVEL__ < 100\n#include \"twice.h\"\n#include \"twice.h\"\n#endif\n";
    let mut program = Program {
        compile_time: Duration::from_millis(500),
        ..Program::new("c", "#include \"twice.h\"\nint main(void) { return 0; }")
    };
    program.draft.files = vec![DraftFile::new("twice.h", header)];
    let ran = under_test.run(&program).await;
    let usage = assert_not_run(&ran).usage;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    // The run stage would have had more.
    let most = Duration::from_millis(2500);
    assert!(usage.wall_time.is_none_or(|used| used < most), "{usage:?}");
}

/// A compiler has a limit on memory of its own. Some compilers notice, and fail by themselves.
pub async fn a_compiler_that_takes_too_much_memory_fails(under_test: RunnerUnderTest) {
    let program = Program {
        compile_memory: ByteSize::from_mib(64),
        // Each line makes ten times as many tokens.
        ..Program::new(
            "c",
            "#define A(x) x x x x x x x x x x\n\
             #define B(x) A(A(A(x)))\n\
             char text[] = B(B(B(\"0123456789\")));\n\
             int main(void) { return 0; }",
        )
    };
    let ran = under_test.run(&program).await;
    let usage = assert_not_run(&ran).usage;
    // The run stage would have had more.
    let most = ByteSize::from_mib(128);
    assert!(usage.memory.is_none_or(|used| used < most), "{usage:?}");
    let verdict = ran.report.verdict;
    assert!(
        [Verdict::MemoryLimit, Verdict::CompileError].contains(&verdict),
        "{verdict}"
    );
}

/// The head of what a compiler writes is kept, as with a program's own output.
pub async fn what_a_compiler_writes_beyond_the_limit_is_dropped(under_test: RunnerUnderTest) {
    let program = Program {
        output: ByteSize::from_bytes(1000),
        ..Program::new("c", &"#error refused\n".repeat(1000))
    };
    let limit = program.limits(&*under_test.runner).storage.output();
    let ran = under_test.run(&program).await;
    let CompileReport { error_output, .. } = assert_not_run(&ran);
    assert!(error_output.is_truncated());
    assert!(error_output.bytes().len() as u64 <= limit.as_bytes());
    let verdict = ran.report.verdict;
    assert!(
        [Verdict::CompileError, Verdict::OutputLimit].contains(&verdict),
        "{verdict}"
    );
}

/// The report on the compile stage of a program that was not started.
fn assert_not_run(ran: &CompletedRun) -> &CompileReport {
    let report = &ran.report;
    assert_eq!(report.exit_status, None, "{report:?}");
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty());
    report.compile.as_ref().unwrap()
}
