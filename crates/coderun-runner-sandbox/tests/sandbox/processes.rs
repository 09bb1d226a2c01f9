//! Tests programs that start more processes than they may, or leave some behind.

use std::time::{Duration, Instant};

use coderun_conformance::slowness;
use coderun_domain::{ExitStatus, Signal, Verdict};
use coderun_runner_sandbox::ControlGroups;

use crate::support::{TestSandbox, program, run, run_program, sandboxes, sleepers_of, until};

/// Refuses to run anywhere but as a child of the first process of a process namespace.
const ONLY_IN_A_SANDBOX: &str =
    "import os, sys\nif os.getppid() != 1 or os.path.exists('/root'): sys.exit(99)\n";

#[tokio::test]
async fn a_fork_bomb_ends_at_the_process_limit() {
    let code = format!("{ONLY_IN_A_SANDBOX}while True: os.fork()");
    let sandbox = TestSandbox::start().await;
    let ran = sandbox.run("python", &code).await;
    assert_eq!(ran.report.verdict, Verdict::ProcessLimit);
    let wall = ran.report.usage.wall_time.unwrap();
    // Without a group a look must find them, for which a busy machine leaves little time.
    let most = if sandbox.has_groups() { 1 } else { 4 };
    let most = Duration::from_secs(most) * slowness();
    assert!(wall < most, "{wall:?}");
}

#[tokio::test]
async fn a_thread_bomb_ends_at_the_process_limit() {
    let code = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()";
    let verdict = run("python", code).await.report.verdict;
    assert_eq!(verdict, Verdict::ProcessLimit);
}

#[tokio::test]
async fn as_many_processes_as_allowed_are_accepted() {
    let code = "import os\nr, w = os.pipe()\n\
        for _ in range(15):\n    if os.fork() == 0:\n        os.close(w); os.read(r, 1); os._exit(0)\n\
        os.close(w)\nfor _ in range(15): os.wait()\nprint('all')";
    // The limit is 16, and the parent counts.
    let ran = run("python", code).await;
    assert_eq!(ran.stdout(), "all\n");
    assert_eq!(ran.report.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn a_daemon_dies_with_its_program_and_does_not_delay_the_result() {
    // It keeps both streams open: a reader that waited for their end would wait for the sleeper.
    let code = "import os, time\nprint('done', flush=True)\n\
        if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(100)\n    os._exit(0)\n";
    let started = Instant::now();
    let ran = run("python", code).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted);
    assert_eq!(ran.stdout(), "done\n");
    assert!(started.elapsed() < Duration::from_secs(3) * slowness());
}

#[tokio::test]
async fn the_first_process_reaps_orphans() {
    // Each child leaves a grandchild that ends at once: unreaped, they would fill the limit of 16.
    let code = "import os\nfor _ in range(60):\n\
        \x20   if os.fork() == 0:\n        if os.fork() == 0: os._exit(0)\n        os.wait(); os._exit(0)\n    os.wait()\n\
        print('all')";
    let ran = run("python", code).await;
    assert_eq!(ran.stdout(), "all\n");
    assert_eq!(ran.report.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn zombies_count_as_processes() {
    let code = "import os\nwhile True:\n    if os.fork() == 0: os._exit(0)";
    let verdict = run("python", code).await.report.verdict;
    assert_eq!(verdict, Verdict::ProcessLimit);
}

#[tokio::test]
async fn signals_reach_only_processes_in_the_sandbox() {
    let code = format!(
        "{ONLY_IN_A_SANDBOX}import signal, time\n\
        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
        r, w = os.pipe()\n\
        if os.fork() == 0:\n    signal.signal(signal.SIGTERM, signal.SIG_DFL); os.write(w, b'x'); time.sleep(100)\n\
        os.read(r, 1)\n\
        for target in (1, os.getppid()):\n\
        \x20   try: os.kill(target, signal.SIGKILL)\n    except PermissionError: pass\n\
        os.kill(-1, signal.SIGTERM)\nprint('child', os.wait()[1], 'alive')"
    );
    let ran = run("python", &code).await;
    assert_eq!(ran.stdout(), "child 15 alive\n", "{}", ran.stderr());
    assert_eq!(ran.report.verdict, Verdict::Accepted);
}

/// The first process has no filter of its own: what another could do to it would be done. A program changes itself and its children.
#[tokio::test]
async fn the_first_process_cannot_be_limited_from_inside() {
    let code = format!(
        "{ONLY_IN_A_SANDBOX}import resource, time\n\
        child = os.fork()\n\
        if child == 0: time.sleep(100)\n\
        def ask(name, call):\n\
        \x20   try: call(); print(name, 'done')\n    except PermissionError: print(name, 'refused')\n\
        for who, pid in (('self', 0), ('own id', os.getpid()), ('child', child), ('first', 1)):\n\
        \x20   ask(who + ' limit', lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0)))\n\
        \x20   ask(who + ' processors', lambda: os.sched_setaffinity(pid, os.sched_getaffinity(0)))\n\
        print('visible', os.path.exists('/proc/1'))\n\
        os.kill(child, 9)"
    );
    let ran = run("python", &code).await;
    let expected = "self limit done\nself processors done\nown id limit done\nown id processors done\n\
        child limit done\nchild processors done\nfirst limit refused\nfirst processors refused\nvisible False\n";
    assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
    assert_eq!(ran.report.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn a_sandbox_whose_first_process_is_killed_ends_with_a_verdict() {
    for control_groups in [ControlGroups::WhereUsable, ControlGroups::Never] {
        let sandbox = TestSandbox::with(|config| config.control_groups = control_groups).await;
        let program = program("bash", "echo before; sleep 1000");
        let (ran, ()) = tokio::join!(sandbox.run_program(program), async {
            until(|| !sleepers_of(std::process::id()).is_empty()).await;
            for first in sandboxes() {
                let first = rustix::process::Pid::from_raw(first).unwrap();
                rustix::process::kill_process(first, rustix::process::Signal::KILL).unwrap();
            }
        });
        assert_eq!(ran.stdout(), "before\n");
        assert_eq!(ran.report.verdict, Verdict::RuntimeError);
        let killed = ExitStatus::Signaled(Signal::KILL);
        assert_eq!(ran.report.exit_status, Some(killed));
    }
}

#[tokio::test]
async fn the_exact_signal_is_reported() {
    let sandbox = TestSandbox::start().await;
    for (name, number) in [
        ("KILL", 9),
        ("ABRT", 6),
        ("SEGV", 11),
        ("PIPE", 13),
        ("HUP", 1),
        // Not the limits of CPU time and of files, which it did not meet.
        ("XCPU", 24),
        ("XFSZ", 25),
    ] {
        let ran = sandbox.run("bash", &format!("kill -{name} $$")).await;
        let expected = ExitStatus::Signaled(Signal::from_number(number));
        assert_eq!(ran.report.exit_status, Some(expected), "{name}");
        assert_eq!(ran.report.verdict, Verdict::RuntimeError, "{name}");
    }
}

#[tokio::test]
async fn the_exact_exit_code_is_reported() {
    let sandbox = TestSandbox::start().await;
    for code in [0, 1, 127, 255] {
        let ran = sandbox.run("bash", &format!("exit {code}")).await;
        assert_eq!(ran.report.exit_status, Some(ExitStatus::Exited(code)));
    }
}

#[tokio::test]
async fn a_program_that_executes_itself_for_ever_is_ended() {
    let program = program("bash", "exec bash main.sh").cpu(Duration::from_millis(300));
    let verdict = run_program(program).await.report.verdict;
    assert_eq!(verdict, Verdict::TimeLimit);
}
