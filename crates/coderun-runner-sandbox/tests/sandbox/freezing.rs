//! Tests programs that go on while others have the place of their run.

use std::time::Duration;

use coderun_conformance::code_runner::Program;
use coderun_domain::{RunInput, Verdict};
use coderun_runner_sandbox::ControlGroups;
use rstest::rstest;

use crate::support::TestSandbox;
use crate::waiting::{RunnerEvent, assert_accepted, line, parking_io};

/// One thread waits, another begins to compute after a while.
const IN_A_THREAD: &str = "import os, threading, time\n\
    def work():\n\
    \x20   time.sleep(0.5)\n\
    \x20   end = time.process_time() + 0.4\n\
    \x20   while time.process_time() < end: pass\n\
    \x20   os.write(1, b'done\\n')\n\
    threading.Thread(target=work).start()\n\
    input()";

/// One process waits, the child of its child begins to compute after a while.
const IN_A_PROCESS: &str = "import os, time\n\
    if os.fork() == 0:\n\
    \x20   if os.fork() == 0:\n\
    \x20       time.sleep(0.5)\n\
    \x20       end = time.process_time() + 0.4\n\
    \x20       while time.process_time() < end: pass\n\
    \x20       os.write(1, b'done\\n')\n\
    \x20   else: os.wait()\n\
    else: input()";

/// The time in which a program that is not frozen prints.
const FROZEN_FOR: Duration = Duration::from_secs(1);

#[rstest]
#[case::by_its_group(IN_A_THREAD, ControlGroups::WhereUsable)]
#[case::by_signals(IN_A_THREAD, ControlGroups::Never)]
#[case::all_by_their_group(IN_A_PROCESS, ControlGroups::WhereUsable)]
#[case::all_by_signals(IN_A_PROCESS, ControlGroups::Never)]
#[tokio::test]
async fn a_program_that_goes_on_without_its_place_is_frozen_until_the_run_has_it(
    #[case] code: &str,
    #[case] groups: ControlGroups,
) {
    assert_accepted("python", code, groups, async |watcher| {
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
    let program = Program::new("python", IN_A_THREAD).interactive();
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

/// A program whose one thread waits for input, while the other does this, with a timer that continues the program.
fn with_a_timer(body: &str) -> Program {
    let code = format!(
        "#include <pthread.h>\n#include <signal.h>\n#include <time.h>\n#include <unistd.h>\n\
        static void *wait_for_input(void *nothing) {{ char byte; read(0, &byte, 1); return nothing; }}\n\
        static long milliseconds(clockid_t clock) {{\n\
        \x20   struct timespec now;\n\
        \x20   clock_gettime(clock, &now);\n\
        \x20   return now.tv_sec * 1000 + now.tv_nsec / 1000000;\n\
        }}\n\
        int main(void) {{\n\
        \x20   pthread_t waiting;\n\
        \x20   pthread_create(&waiting, NULL, wait_for_input, NULL);\n\
        \x20   usleep(500000);\n\
        \x20   struct sigevent event = {{.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT}};\n\
        \x20   timer_t timer;\n\
        \x20   if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return 1;\n\
        {body}\n}}"
    );
    Program::new("c", &code).interactive()
}

/// No signal stops it for longer than a hundredth of a second.
const ALWAYS_CONTINUED: &str = "struct itimerspec soon = {.it_value = {.tv_nsec = 10000000}};\n\
    for (;;) timer_settime(timer, 0, &soon, NULL);";

#[tokio::test]
async fn a_program_that_signals_cannot_freeze_is_ended() {
    let sandbox = TestSandbox::with(|config| config.control_groups = ControlGroups::Never).await;
    let (mut io, mut watcher) = parking_io();
    let program = with_a_timer(ALWAYS_CONTINUED);
    let running = program.run_with(&*sandbox.runner, &mut io);
    let acting = async {
        watcher.expect(RunnerEvent::Awaiting).await;
        watcher.expect(RunnerEvent::Parked).await;
        watcher.expect(RunnerEvent::PlaceRequested).await;
    };
    let (report, ()) = tokio::join!(running, acting);
    let report = report.unwrap();
    assert_eq!(report.verdict, Verdict::RuntimeError);
    let hint = report.hint.unwrap();
    assert!(hint.contains("continued itself"), "{hint}");
}

/// It computes until it was stopped, and a second after that it goes on at a tenth of the speed.
const CONTINUED_ONCE: &str = "struct itimerspec later = {.it_value = {.tv_sec = 1}};\n\
    long before = milliseconds(CLOCK_MONOTONIC), now = before;\n\
    for (; now - before < 500; now = milliseconds(CLOCK_MONOTONIC)) {\n\
    \x20   before = now;\n\
    \x20   timer_settime(timer, 0, &later, NULL);\n\
    }\n\
    write(1, \"continued\\n\", 10);\n\
    for (int pieces = 0; pieces < 100; pieces++) {\n\
    \x20   long used = milliseconds(CLOCK_PROCESS_CPUTIME_ID);\n\
    \x20   while (milliseconds(CLOCK_PROCESS_CPUTIME_ID) == used) {}\n\
    \x20   usleep(9000);\n\
    }\n\
    write(1, \"done\\n\", 5);\n\
    pthread_join(waiting, NULL);\n\
    return 0;";

#[tokio::test]
async fn a_program_that_is_continued_while_it_is_frozen_is_stopped_again() {
    let sandbox = TestSandbox::with(|config| config.control_groups = ControlGroups::Never).await;
    let (mut io, mut watcher) = parking_io();
    let program = with_a_timer(CONTINUED_ONCE);
    let running = program.run_with(&*sandbox.runner, &mut io);
    let acting = async {
        watcher.expect(RunnerEvent::Awaiting).await;
        watcher.expect(RunnerEvent::Parked).await;
        watcher.expect(RunnerEvent::PlaceRequested).await;
        watcher.expect_output("continued\n").await;
        let event = tokio::time::timeout(2 * FROZEN_FOR, watcher.events.recv()).await;
        assert!(event.is_err(), "{event:?}");
        watcher.give(RunInput::Resumed);
        watcher.give(line("x\n"));
    };
    let (report, ()) = tokio::join!(running, acting);
    assert_eq!(report.unwrap().verdict, Verdict::Accepted);
}
