//! Runs that nobody waits for any more, and runs that are no business of each other.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::Verdict;

use super::program::{Listener, Program};
use super::{Killing, RunnerSetup, RunnerUnderTest};
use crate::fixtures::within;

/// One that lives until it is killed, or for a second where nobody can kill it.
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
    setup: RunnerSetup,
) {
    let under_test = setup.runner().await;
    let mut listener = Listener::default();
    let cancel = Arc::clone(&listener.cancel);
    let program = sleeper(&under_test);
    let cancelling = async {
        under_test.until_alive(1).await;
        cancel.notify_one();
        tokio::time::Instant::now()
    };
    let (report, cancelled_at) =
        tokio::join!(under_test.try_run(&program, &mut listener), cancelling);
    assert!(cancelled_at.elapsed() < Duration::from_secs(2));
    let report = report.unwrap();
    assert_eq!(report.verdict, Verdict::Cancelled);
    let alive = (under_test.alive)();
    match under_test.abilities.killing {
        Killing::AtOnce => assert_eq!((alive, report.enforcement.cancel), (0, None)),
        Killing::ByLimits => assert_eq!(report.enforcement.cancel.as_deref(), Some("abandoned")),
    }
}

/// What is cancelled before it began never begins; a runner that did not hear of it may call itself overloaded.
pub async fn a_program_that_is_cancelled_while_it_waits_is_never_begun(setup: RunnerSetup) {
    let under_test = setup.runner_of_one().await;
    let program = sleeper(&under_test);
    let (mut first, mut second) = (Listener::default(), Listener::default());
    let (cancel, running) = (Arc::clone(&first.cancel), program.request(&under_test, 1));
    let waiting = program.request(&under_test, 2);
    let cancelling = async {
        under_test.until_alive(1).await;
        second.cancel.notify_one();
        let report = within(Box::pin(under_test.runner.run(waiting, &mut second))).await;
        let report = report.unwrap();
        assert_eq!((report.verdict, report.ending), (Verdict::Cancelled, None));
        cancel.notify_one();
    };
    let running = Box::pin(under_test.runner.run(running, &mut first));
    let (report, ()) = within(async { tokio::join!(running, cancelling) }).await;
    assert_eq!(report.unwrap().verdict, Verdict::Cancelled);
}

/// A program whose run was dropped does not live for ever.
pub async fn a_dropped_program_is_gone_at_once_or_by_its_limits_by_ability(setup: RunnerSetup) {
    let under_test = setup.runner().await;
    drop_while_it_runs(&under_test).await;
    under_test.until_alive(0).await;
}

async fn drop_while_it_runs(under_test: &RunnerUnderTest) {
    let mut listener = Listener::default();
    let program = sleeper(under_test);
    tokio::select! {
        _ = under_test.try_run(&program, &mut listener) => panic!("it sleeps"),
        () = under_test.until_alive(1) => {}
    }
}

/// Where there is one place, the next program begins when the one before is gone, however that ended, and not before.
pub async fn a_place_is_free_again_after_each_end(setup: RunnerSetup) {
    let under_test = setup.runner_of_one().await;
    for _ in 0..3 {
        drop_while_it_runs(&under_test).await;
        let next = Program::python("print('next')");
        let mut listener = Listener::default();
        let most = async {
            let mut most = 0;
            loop {
                most = most.max((under_test.alive)());
                assert!(most <= 1, "two programs in one place");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let report = tokio::select! {
            report = under_test.try_run(&next, &mut listener) => report,
            () = most => panic!("it looks for ever"),
        };
        assert_eq!(report.unwrap().verdict, Verdict::Accepted);
        assert_eq!(listener.stdout, b"next\n");
    }
}

/// What a run leaves behind is gone with it.
pub async fn a_run_finds_no_files_of_the_one_before(setup: RunnerSetup) {
    let under_test = setup.runner_of_one().await;
    let code = "import os\nprint(os.path.exists('/tmp/left'), os.path.exists('left'))\n\
        for path in ('/tmp/left', 'left'):\n    try: open(path, 'x').close()\n    except OSError: pass";
    for _ in 0..2 {
        let ran = under_test.run(&Program::python(code)).await;
        assert_eq!(ran.stdout(), "False False\n", "{}", ran.stderr());
    }
}

/// Two runs at a time each have a place of their own.
pub async fn two_runs_at_a_time_find_no_files_of_each_other(setup: RunnerSetup) {
    let under_test = setup.runner().await;
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
