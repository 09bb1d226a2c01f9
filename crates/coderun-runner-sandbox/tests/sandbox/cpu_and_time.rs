//! Tests programs that use more time than they may.

use std::num::NonZero;
use std::time::{Duration, Instant};

use coderun_conformance::code_runner::{InteractiveClient, Program};
use coderun_conformance::slowness;
use coderun_domain::{CodeRunner, ExitStatus, Signal, Verdict};

use crate::support::{TestSandbox, assert_prints, program, run_program};

const LIMIT: Duration = Duration::from_millis(300);
/// The goal is 50 ms. A busy machine that runs other tests at the same time may need more.
const GRACE: Duration = Duration::from_millis(250);

#[tokio::test]
async fn a_busy_loop_ends_at_its_cpu_limit() {
    let program = program("python", "while True: pass").cpu(LIMIT);
    let ran = run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    assert_eq!(
        ran.report.exit_status,
        Some(ExitStatus::Signaled(Signal::KILL))
    );
    let cpu = ran.report.usage.cpu_time.unwrap();
    assert!((LIMIT..LIMIT + GRACE).contains(&cpu), "{cpu:?}");
}

#[tokio::test]
async fn a_sleeper_ends_at_its_wall_limit() {
    let program = program("bash", "sleep 1000").wall(LIMIT);
    let ran = run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    let usage = ran.report.usage;
    assert!(usage.cpu_time.unwrap() < LIMIT, "{usage:?}");
    assert!(
        (LIMIT..LIMIT + 2 * GRACE).contains(&usage.wall_time.unwrap()),
        "{usage:?}"
    );
}

#[tokio::test]
async fn ignoring_signals_does_not_lift_the_cpu_limit() {
    let code = "import signal\n\
        for s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n    signal.signal(s, signal.SIG_IGN)\n\
        while True: pass";
    let verdict = run_program(program("python", code).cpu(LIMIT))
        .await
        .report
        .verdict;
    assert_eq!(verdict, Verdict::TimeLimit);
}

#[tokio::test]
async fn cpu_time_is_the_sum_over_all_processes() {
    let code = "import os\nfor _ in range(8):\n    if os.fork() == 0:\n        while True: pass\nos.wait()";
    let started = Instant::now();
    let ran = run_program(program("python", code).cpu(LIMIT)).await;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    let cpu = ran.report.usage.cpu_time.unwrap();
    assert!((LIMIT..LIMIT + 2 * GRACE).contains(&cpu), "{cpu:?}");
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "each had the limit for itself"
    );
}

#[tokio::test]
async fn children_that_are_not_waited_for_are_counted() {
    let code = "import os, signal, time\n\
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n\
        r, w = os.pipe()\n\
        if os.fork() == 0:\n\
        \x20   end = time.process_time() + 0.2\n\
        \x20   while time.process_time() < end: pass\n\
        \x20   os._exit(0)\n\
        os.close(w)\n\
        os.read(r, 1)";
    let sandbox = TestSandbox::start().await;
    let ran = sandbox.run("python", code).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted);
    let cpu = ran.report.usage.cpu_time.unwrap();
    // Without a group the time since the last look is lost.
    let least = if sandbox.has_groups() { 200 } else { 50 };
    assert!(cpu >= Duration::from_millis(least), "{cpu:?}");
}

#[tokio::test]
async fn a_program_that_stops_itself_ends_at_its_wall_limit() {
    let program = program("bash", "kill -STOP $$; echo on").wall(LIMIT);
    let ran = run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    assert_eq!(ran.stdout(), "");
}

#[tokio::test]
async fn no_program_can_raise_its_priority() {
    let code = "import os\n\
        for ask in (lambda: os.nice(-5), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))):\n\
        \x20   try:\n        ask(); print('granted')\n\
        \x20   except PermissionError: print('refused')";
    assert_prints("python", code, "refused\nrefused\n").await;
}

#[tokio::test]
async fn an_endless_compilation_ends_at_its_own_limit() {
    let code = "template <int N, long M> struct Two {\n\
        \x20   static constexpr long value = Two<N - 1, 2 * M>::value + Two<N - 1, 2 * M + 1>::value;\n\
        };\n\
        template <long M> struct Two<0, M> { static constexpr long value = M; };\n\
        int main() { return Two<40, 0>::value; }";
    let program = Program {
        compile_time: Duration::from_millis(700),
        ..program("cpp", code)
    };
    let ran = run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    assert_eq!(ran.report.exit_status, None);
    assert!(ran.report.compile.is_some());
}

/// Whether each program has an equal share of the processors, as the sandbox says.
fn has_shares(sandbox: &TestSandbox) -> bool {
    let cpu = sandbox.runner.profile().enforcement.cpu.unwrap();
    let has_shares = cpu.ends_with("equal shares of the processors");
    assert_ne!(
        has_shares,
        cpu.ends_with("no promised share of the processors"),
        "{cpu}"
    );
    has_shares
}

/// Compiles and runs a program that takes 0.6 s of CPU time, and may take 3 s, beside one whose processes are all busy.
#[tokio::test]
async fn an_honest_program_has_its_share_beside_many_busy_processes() {
    let sandbox = TestSandbox::with(|config| config.slots = 2).await;
    // The scheduler may treat sessions alike too, so each has one of its own.
    let busy = "import os\nr, w = os.pipe()\n\
        for _ in range(63):\n\
        \x20   if os.fork() == 0:\n        os.setsid(); os.write(w, b'x')\n        while True: pass\n\
        for _ in range(63): os.read(r, 1)\nprint('busy', flush=True)\nos.wait()";
    let busy = Program {
        processes: 64,
        ..program("python", busy)
    };
    let busy = busy
        .cpu(Duration::from_mins(1))
        .wall(Duration::from_mins(1));
    let honest = "#include <time.h>\nint main(void) { while (clock() < 6 * CLOCKS_PER_SEC / 10); }";
    let honest = Program {
        compile_time: Duration::from_secs(3) * slowness(),
        ..program("c", honest).wall(Duration::from_secs(3) * slowness())
    };
    let mut verdict = None;
    let beside = async |client: &mut InteractiveClient| {
        client.read_stdout_until("busy\n").await;
        verdict = Some(sandbox.run_program(honest).await.report.verdict);
        client.cancel();
    };
    let ended = busy.run_interactively(&*sandbox.runner, beside).await;
    assert_eq!(ended.verdict, Verdict::Cancelled);
    if has_shares(&sandbox) {
        assert_eq!(verdict, Some(Verdict::Accepted));
    }
}

#[tokio::test]
async fn a_program_gets_no_more_of_the_processors_than_is_set() {
    let quarter = NonZero::new(250);
    let sandbox = TestSandbox::with(|config| config.run_millicores = quarter).await;
    let code = "import os\nos.fork()\nwhile True: pass";
    let ran = sandbox
        .run_program(program("python", code).cpu(LIMIT))
        .await;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    let wall = ran.report.usage.wall_time.unwrap();
    assert!(!has_shares(&sandbox) || wall > 3 * LIMIT, "{wall:?}");
}
