//! Checks cancelled and dropped runs, and that runs do not affect each other.

use std::time::Duration;

use coderun_domain::Verdict;

use super::interactive_io::closed_io;
use super::program::Program;
use super::{Killing, RunnerOfOne, RunnerUnderTest};
use crate::fixtures::within;

/// A program that lives until it is killed, or for a second on a runner that cannot kill.
fn sleeper(under_test: &RunnerUnderTest) -> Program {
    let wall = match under_test.abilities.killing {
        // Longer than a clause waits.
        Killing::AtOnce => Duration::from_mins(2),
        Killing::ByLimits => Duration::from_secs(1),
    };
    Program::sleeper().wall(wall)
}

/// A cancelled program is gone before the answer. A runner that cannot kill answers within two seconds and says that it
/// has abandoned the program.
pub async fn a_cancelled_program_is_gone_before_the_answer_or_abandoned_by_ability(
    under_test: RunnerUnderTest,
) {
    let (mut io, client) = closed_io();
    let program = sleeper(&under_test);
    let cancelling = async {
        under_test.wait_until_running(1).await;
        client.cancel();
        tokio::time::Instant::now()
    };
    let (report, cancelled_at) =
        tokio::join!(program.run_with(&*under_test.runner, &mut io), cancelling);
    assert!(cancelled_at.elapsed() < Duration::from_secs(2));
    let report = report.unwrap();
    assert_eq!(report.verdict, Verdict::Cancelled);
    let running = (under_test.running_programs)();
    match under_test.abilities.killing {
        Killing::AtOnce => assert_eq!((running, report.enforcement.cancel), (0, None)),
        Killing::ByLimits => assert_eq!(report.enforcement.cancel.as_deref(), Some("abandoned")),
    }
}

/// A program that is cancelled while it waits for a slot never starts.
pub async fn a_program_that_is_cancelled_while_it_waits_is_never_begun(
    RunnerOfOne(under_test): RunnerOfOne,
) {
    let program = sleeper(&under_test);
    let (mut first, client_of_first) = closed_io();
    let (mut second, client_of_second) = closed_io();
    let running = program.request(&*under_test.runner, 1);
    let waiting = program.request(&*under_test.runner, 2);
    let cancelling = async {
        under_test.wait_until_running(1).await;
        client_of_second.cancel();
        let report = within(Box::pin(under_test.runner.run(waiting, &mut second))).await;
        let report = report.unwrap();
        assert_eq!(
            (report.verdict, report.exit_status),
            (Verdict::Cancelled, None)
        );
        client_of_first.cancel();
    };
    let running = Box::pin(under_test.runner.run(running, &mut first));
    let (report, ()) = within(async { tokio::join!(running, cancelling) }).await;
    assert_eq!(report.unwrap().verdict, Verdict::Cancelled);
}

/// A program whose run was dropped is killed, or ends by its limits.
pub async fn a_dropped_program_is_gone_at_once_or_by_its_limits_by_ability(
    under_test: RunnerUnderTest,
) {
    drop_while_it_runs(&under_test).await;
    under_test.wait_until_running(0).await;
}

async fn drop_while_it_runs(under_test: &RunnerUnderTest) {
    let program = sleeper(under_test);
    tokio::select! {
        _ = under_test.run(&program) => panic!("it sleeps"),
        () = under_test.wait_until_running(1) => {}
    }
}

/// With one slot, the next program starts after the one before is gone, however that ended.
pub async fn a_slot_is_free_again_after_each_end(RunnerOfOne(under_test): RunnerOfOne) {
    for _ in 0..3 {
        drop_while_it_runs(&under_test).await;
        let next = Program::python("print('next')");
        let watching = async {
            loop {
                let running = (under_test.running_programs)();
                assert!(running <= 1, "two programs in one slot");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let ran = tokio::select! {
            ran = under_test.run(&next) => ran,
            () = watching => unreachable!(),
        };
        assert_eq!(ran.report.verdict, Verdict::Accepted);
        assert_eq!(ran.stdout(), "next\n");
    }
}

/// The files of a run are gone after it.
pub async fn a_run_finds_no_files_of_the_one_before(RunnerOfOne(under_test): RunnerOfOne) {
    let code = "import os\nprint(os.path.exists('/tmp/left'), os.path.exists('left'))\n\
        for path in ('/tmp/left', 'left'):\n    try: open(path, 'x').close()\n    except OSError: pass";
    for _ in 0..2 {
        let ran = under_test.run(&Program::python(code)).await;
        assert_eq!(ran.stdout(), "False False\n", "{}", ran.stderr());
    }
}

/// Two concurrent runs each have a file system of their own.
pub async fn two_runs_at_a_time_find_no_files_of_each_other(under_test: RunnerUnderTest) {
    let code = "import os, sys, time\nopen('/tmp/' + sys.argv[1], 'x').close()\ntime.sleep(0.5)\n\
        print([name for name in ('one', 'other') if os.path.exists('/tmp/' + name)])";
    let program = |name: &str| {
        let mut program = Program::python(code);
        program.draft.args = vec![name.to_owned()];
        program
    };
    let (one, other) = (program("one"), program("other"));
    let (one, other) = tokio::join!(under_test.run(&one), under_test.run(&other));
    assert_eq!(one.stdout(), "['one']\n", "{}", one.stderr());
    assert_eq!(other.stdout(), "['other']\n", "{}", other.stderr());
}
