use super::*;

const MS: Duration = Duration::from_millis(1);

fn bounds() -> StageBounds {
    StageBounds {
        timeout: Some(3000 * MS),
        cpu_time: Some(2000 * MS),
        memory: None,
    }
}

fn usage(cpu_ms: u32, wall_ms: u32) -> Usage {
    Usage {
        cpu_time: Some(cpu_ms * MS),
        wall_time: Some(wall_ms * MS),
        memory: Some(ByteSize::from_kib(1204)),
    }
}

fn run(verdict: Verdict, ending: Ending, capture: Capture, signals: SignalReport) -> StageResult {
    let runtime = Runtime::stock().into_iter().find(|it| it.language == "c");
    let package = Package::of("c").unwrap();
    let end = StageEnd {
        verdict,
        ending,
        usage: usage(11, 29),
    };
    run_result(
        end,
        capture,
        &bounds(),
        (&runtime.unwrap(), package, signals),
    )
}

fn words(result: &StageResult) -> (Option<i32>, Option<&str>, Option<&str>, Option<&str>) {
    (
        result.code,
        result.signal.as_deref(),
        result.status.as_deref(),
        result.message.as_deref(),
    )
}

#[test]
fn an_exit_with_zero_has_neither_status_nor_message() {
    let exited = Ending::Exited(0);
    let result = run(
        Verdict::Accepted,
        exited,
        Capture::new(9),
        SignalReport::ExitCode,
    );
    assert_eq!(words(&result), (Some(0), None, None, None));
    assert_eq!(result.memory, Some(1_204_000));
    assert_eq!(result.cpu_time_ms, Some(11.0));
}

#[test]
fn the_shell_tells_of_a_signal_by_a_code_and_a_line() {
    let ending = Ending::Signaled(Signal::KILL);
    let result = run(
        Verdict::MemoryLimit,
        ending,
        Capture::new(99),
        SignalReport::ExitCode,
    );
    let message = Some("Exited with error status 137");
    assert_eq!(words(&result), (Some(137), None, Some("RE"), message));
    let line =
        "/piston/packages/gcc/10.2.0/run: line 6:     3 Killed                  ./a.out \"$@\"\n";
    assert_eq!(result.stderr, line);
}

#[test]
fn without_a_shell_isolate_tells_of_the_signal() {
    let ending = Ending::Signaled(Signal::KILL);
    let result = run(
        Verdict::MemoryLimit,
        ending,
        Capture::new(99),
        SignalReport::Signal,
    );
    let message = Some("Caught fatal signal 9");
    assert_eq!(words(&result), (None, Some("SIGKILL"), Some("SG"), message));
    assert_eq!(result.stderr, "");
}

#[test]
fn a_timeout_says_whether_the_clock_or_the_processor_ran_out() {
    for (usage, message) in [
        (usage(2000, 2100), "Time limit exceeded"),
        (usage(1, 3000), "Time limit exceeded (wall clock)"),
        (usage(2999, 3000), "Time limit exceeded (wall clock)"),
    ] {
        let end = StageEnd {
            verdict: Verdict::TimeLimit,
            ending: Ending::Signaled(Signal::KILL),
            usage,
        };
        let result = compile_result(end, Capture::new(9), &bounds());
        assert_eq!(
            words(&result),
            (None, Some("SIGKILL"), Some("TO"), Some(message))
        );
    }
}

#[test]
fn output_beyond_the_cap_comes_before_all_but_the_code() {
    let full = |stream| {
        let mut capture = Capture::new(1);
        capture.take(stream, b"ab");
        capture
    };
    let stdout = full(OutputStream::Stdout);
    let killed = Ending::Signaled(Signal::KILL);
    let result = run(Verdict::Cancelled, killed, stdout, SignalReport::ExitCode);
    let message = Some("stdout length exceeded");
    assert_eq!(words(&result), (None, Some("SIGKILL"), Some("OL"), message));
    let stderr = full(OutputStream::Stderr);
    let result = run(
        Verdict::RuntimeError,
        Ending::Exited(3),
        stderr,
        SignalReport::ExitCode,
    );
    let message = Some("stderr length exceeded");
    assert_eq!(
        words(&result),
        (Some(3), Some("SIGKILL"), Some("EL"), message)
    );
}

#[test]
fn a_compiler_that_fails_leaves_the_code_of_the_last_command() {
    let mut capture = Capture::new(99);
    capture.take(OutputStream::Stderr, b"error\n");
    let end = StageEnd {
        verdict: Verdict::CompileError,
        ending: Ending::Exited(4),
        usage: usage(1, 1),
    };
    let result = compile_result(end, capture, &bounds());
    let message = Some("Exited with error status 1");
    assert_eq!(words(&result), (Some(1), None, Some("RE"), message));
    assert_eq!(
        result.stderr,
        "error\nchmod: cannot access 'a.out': No such file or directory\n"
    );
}
