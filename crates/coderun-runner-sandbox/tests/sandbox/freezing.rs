//! Tests programs that go on while others have the place of their run.

use std::time::Duration;

use coderun_conformance::code_runner::Program;
use coderun_domain::{RunInput, Verdict};
use coderun_runner_sandbox::ControlGroups;
use rstest::rstest;

use crate::support::TestSandbox;
use crate::waiting::{RunnerEvent, assert_accepted, line, parking_io};

/// One thread waits, another begins to compute after a while.
const GOES_ON: &str = "import os, threading, time\n\
    def work():\n\
    \x20   time.sleep(0.5)\n\
    \x20   end = time.process_time() + 0.4\n\
    \x20   while time.process_time() < end: pass\n\
    \x20   os.write(1, b'done\\n')\n\
    threading.Thread(target=work).start()\n\
    input()";

/// The time in which a program that is not frozen prints.
const FROZEN_FOR: Duration = Duration::from_secs(1);

#[rstest]
#[case::by_its_group(ControlGroups::WhereUsable)]
#[case::by_signals(ControlGroups::Never)]
#[tokio::test]
async fn a_program_that_goes_on_without_its_place_is_frozen_until_the_run_has_it(
    #[case] groups: ControlGroups,
) {
    assert_accepted("python", GOES_ON, groups, async |watcher| {
        watcher.expect(RunnerEvent::Awaiting).await;
        watcher.expect(RunnerEvent::Parked).await;
        watcher.expect(RunnerEvent::PlaceRequested).await;
        let event = tokio::time::timeout(FROZEN_FOR, watcher.events.recv()).await;
        assert!(event.is_err(), "{event:?}");
        watcher.give(RunInput::Resumed);
        watcher.expect_output("done\n").await;
        watcher.give(line("x\n"));
    })
    .await;
}

#[tokio::test]
async fn a_program_that_is_frozen_can_be_cancelled() {
    let sandbox = TestSandbox::start().await;
    let (mut io, mut watcher) = parking_io();
    let program = Program::new("python", GOES_ON).interactive();
    let running = program.run_with(&*sandbox.runner, &mut io);
    let acting = async {
        watcher.expect(RunnerEvent::Awaiting).await;
        watcher.expect(RunnerEvent::Parked).await;
        watcher.expect(RunnerEvent::PlaceRequested).await;
        watcher.give(RunInput::Cancel);
    };
    let (report, ()) = tokio::join!(running, acting);
    assert_eq!(report.unwrap().verdict, Verdict::Cancelled);
}

/// Processes that continue each other as soon as one of them is stopped.
const CONTINUES_ITSELF: &str = "import os, signal, threading, time\n\
    threading.Thread(target=input, daemon=True).start()\n\
    time.sleep(0.5)\n\
    group = os.getpgrp()\n\
    for _ in range(4):\n\
    \x20   if os.fork() == 0: break\n\
    while True: os.killpg(group, signal.SIGCONT)";

#[tokio::test]
async fn a_program_that_continues_itself_is_frozen_or_ended() {
    let sandbox = TestSandbox::with(|config| config.control_groups = ControlGroups::Never).await;
    let (mut io, mut watcher) = parking_io();
    let program = Program::new("python", CONTINUES_ITSELF).interactive();
    let running = program.run_with(&*sandbox.runner, &mut io);
    let acting = async {
        watcher.expect(RunnerEvent::Awaiting).await;
        watcher.expect(RunnerEvent::Parked).await;
        watcher.expect(RunnerEvent::PlaceRequested).await;
        tokio::time::sleep(FROZEN_FOR).await;
        watcher.give(RunInput::Cancel);
    };
    let (report, ()) = tokio::join!(running, acting);
    let report = report.unwrap();
    let cpu = report.usage.cpu_time.unwrap();
    assert!(cpu < Duration::from_millis(1500), "{cpu:?}");
    let expected = match report.hint {
        None => Verdict::Cancelled,
        Some(_) => Verdict::RuntimeError,
    };
    assert_eq!(report.verdict, expected, "{:?}", report.hint);
}
