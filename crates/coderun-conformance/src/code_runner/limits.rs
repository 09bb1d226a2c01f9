//! Checks the limits of the run stage.

use std::time::Duration;

use coderun_domain::{ByteSize, OutputStream, Verdict};

use super::RunnerUnderTest;
use super::program::{AskedLimits, Program};

/// CPU time is limited.
pub async fn an_endless_loop_meets_the_time_limit(under_test: RunnerUnderTest) {
    let program = Program {
        cpu: Duration::from_secs(1),
        ..Program::python("while True: pass")
    };
    let report = under_test.run(&program).await.report;
    assert_eq!(report.verdict, Verdict::TimeLimit);
    assert!(report.exit_status.is_some(), "it was started");
}

/// Wall-clock time is limited, also for a program that uses no CPU time.
pub async fn a_program_that_sleeps_meets_the_limit_on_the_clock(under_test: RunnerUnderTest) {
    let program = Program::sleeper().wall(Duration::from_secs(1));
    let report = under_test.run(&program).await.report;
    assert_eq!(report.verdict, Verdict::TimeLimit);
}

/// Memory is limited, and the report says so.
pub async fn a_program_that_takes_memory_without_end_meets_the_memory_limit(
    under_test: RunnerUnderTest,
) {
    let program = Program {
        memory: ByteSize::from_mib(64),
        ..Program::python("kept = []\nwhile True: kept.append(bytearray(1 << 20))")
    };
    let report = under_test.run(&program).await.report;
    assert_eq!(report.verdict, Verdict::MemoryLimit);
}

/// A program that floods stdout is stopped, its head is kept, and it is known that there was more.
pub async fn a_flood_is_stopped_with_its_head_kept_and_known_to_be_cut(
    under_test: RunnerUnderTest,
) {
    assert_flood_is_stopped(&under_test, OutputStream::Stdout).await;
}

/// The limit holds for stderr as well.
pub async fn a_flood_on_stderr_is_stopped_too(under_test: RunnerUnderTest) {
    assert_flood_is_stopped(&under_test, OutputStream::Stderr).await;
}

async fn assert_flood_is_stopped(under_test: &RunnerUnderTest, stream: OutputStream) {
    let descriptor = 1 + u8::from(stream == OutputStream::Stderr);
    let code = format!("import os\nwhile True: os.write({descriptor}, b'0123456789' * 20)");
    let program = Program::python(&code);
    let limit = output_limit(under_test, &program);
    let ran = under_test.run(&program).await;
    assert_eq!(ran.report.verdict, Verdict::OutputLimit);
    let written = match stream {
        OutputStream::Stdout => &ran.stdout,
        OutputStream::Stderr => &ran.stderr,
    };
    let (length, is_cut) = (written.len(), ran.cut.contains(&stream));
    assert!(
        length > limit || is_cut,
        "{length} bytes of {limit}, and no sign of more"
    );
    let head = &written[..length.min(limit)];
    assert!(
        head.iter()
            .eq(b"0123456789".iter().cycle().take(head.len()))
    );
}

fn output_limit(under_test: &RunnerUnderTest, program: &Program) -> usize {
    let limit = program.limits(&*under_test.runner).storage.output();
    usize::try_from(limit.as_bytes()).unwrap()
}

/// Output of exactly the limit is whole.
pub async fn output_that_just_fits_is_whole(under_test: RunnerUnderTest) {
    let limit = output_limit(&under_test, &Program::python("\n"));
    let code = format!("import os\nos.write(1, b'x' * {limit})\nos.write(2, b'tail')");
    let ran = under_test.run(&Program::python(&code)).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", ran.stderr());
    assert_eq!(ran.stdout.len(), limit);
    assert_eq!(ran.stderr, b"tail");
    assert_eq!(ran.cut, []);
}

/// Limits above the runner's maximum have no effect beyond it; without a maximum, the submission's own limits hold.
pub async fn limits_above_the_maximum_are_lowered_or_refused_and_never_exceeded(
    under_test: RunnerUnderTest,
) {
    // Longer than a clause waits.
    let long = Duration::from_mins(2);
    let asked = match under_test.runner.maximum_limits() {
        Some(maximum) if maximum.run.wall_time() < long => long,
        Some(_) | None => Duration::from_secs(1),
    };
    let program = Program {
        asked_limits: AskedLimits::BeyondMaximum,
        ..Program::sleeper().wall(asked)
    };
    let ran = under_test.run(&program).await;
    let verdict = ran.report.verdict;
    assert!(
        [Verdict::TimeLimit, Verdict::Rejected].contains(&verdict),
        "{verdict}"
    );
}
