//! Tests programs that wait for a person while others have the place of their run.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_conformance::code_runner::Program;
use coderun_domain::{ByteSize, InputWanted, OutputStream, RunInput, RunIo, Verdict};
use coderun_runner_sandbox::ControlGroups;
use rstest::rstest;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;

use crate::support::TestSandbox;

/// What the runner reports to the worker about a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RunnerEvent {
    Output(Bytes),
    Awaiting,
    Parked,
    PlaceRequested,
}

/// A worker that gives the place of the run away as soon as it may.
pub(crate) struct ParkingIo {
    events: mpsc::UnboundedSender<RunnerEvent>,
    input: mpsc::UnboundedReceiver<RunInput>,
}

/// The test's side of a run.
pub(crate) struct Watcher {
    pub(crate) events: mpsc::UnboundedReceiver<RunnerEvent>,
    input: mpsc::UnboundedSender<RunInput>,
}

impl Watcher {
    /// Expects exactly this next.
    pub(crate) async fn expect(&mut self, expected: RunnerEvent) {
        let event = self.events.recv().await;
        assert_eq!(event, Some(expected));
    }

    /// Expects this output next, in any pieces.
    pub(crate) async fn expect_output(&mut self, text: &str) {
        let mut written = Vec::new();
        while written.len() < text.len() {
            let event = self.events.recv().await;
            assert!(matches!(event, Some(RunnerEvent::Output(_))), "{event:?}");
            if let Some(RunnerEvent::Output(bytes)) = event {
                written.extend(bytes);
            }
        }
        assert_eq!(String::from_utf8_lossy(&written), text);
    }

    pub(crate) fn give(&self, input: RunInput) {
        self.input.send(input).unwrap();
    }
}

pub(crate) fn parking_io() -> (ParkingIo, Watcher) {
    let (sender, events) = mpsc::unbounded_channel();
    let (give, input) = mpsc::unbounded_channel();
    let io = ParkingIo {
        events: sender,
        input,
    };
    (
        io,
        Watcher {
            events,
            input: give,
        },
    )
}

impl ParkingIo {
    fn report(&self, event: RunnerEvent) {
        self.events.send(event).unwrap();
    }
}

#[async_trait]
impl RunIo for ParkingIo {
    async fn output(&mut self, _stream: OutputStream, bytes: Bytes) {
        self.report(RunnerEvent::Output(bytes));
    }

    fn mark_truncated(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, _wanted: InputWanted) -> RunInput {
        match self.input.recv().await {
            Some(input) => input,
            None => std::future::pending().await,
        }
    }

    async fn awaiting_input(&mut self) {
        self.report(RunnerEvent::Awaiting);
    }

    fn park(&mut self) -> bool {
        self.report(RunnerEvent::Parked);
        true
    }

    fn request_place(&mut self) {
        self.report(RunnerEvent::PlaceRequested);
    }
}

pub(crate) fn line(text: &'static str) -> RunInput {
    RunInput::Data(Bytes::from_static(text.as_bytes()))
}

/// Runs an interactive program while the test acts; it must be accepted.
pub(crate) async fn assert_accepted(
    language: &str,
    code: &str,
    groups: ControlGroups,
    act: impl AsyncFnOnce(&mut Watcher),
) {
    let sandbox = TestSandbox::with(|config| config.control_groups = groups).await;
    let (mut io, mut watcher) = parking_io();
    let program = Program::new(language, code).interactive();
    let running = program.run_with(&*sandbox.runner, &mut io);
    let (report, ()) = tokio::join!(running, act(&mut watcher));
    assert_eq!(report.unwrap().verdict, Verdict::Accepted);
}

/// With a place again it computes as long as it likes, and input is enough to give it one.
#[tokio::test]
async fn a_program_that_gets_input_has_its_place_again() {
    let code = "import os, time\n\
        input()\n\
        end = time.process_time() + 0.4\n\
        while time.process_time() < end: pass\n\
        os.write(1, b'done\\n')";
    assert_accepted(
        "python",
        code,
        ControlGroups::WhereUsable,
        async |watcher| {
            watcher.expect(RunnerEvent::Awaiting).await;
            watcher.expect(RunnerEvent::Parked).await;
            watcher.give(line("x\n"));
            watcher.expect_output("done\n").await;
        },
    )
    .await;
}

/// As Node does, and what others make of `select` and `poll`.
#[rstest]
#[case::epoll(
    "javascript",
    "const asking = require('readline').createInterface({ input: process.stdin });\n\
    asking.on('line', (line) => { console.log('got ' + line); asking.close(); });"
)]
#[case::select(
    "python",
    "import select, sys\n\
    select.select([sys.stdin], [], [])\n\
    print('got', input(), flush=True)"
)]
#[case::poll(
    "python",
    "import select\n\
    poll = select.poll(); poll.register(0, select.POLLIN); poll.poll()\n\
    print('got', input(), flush=True)"
)]
#[tokio::test]
async fn a_program_that_polls_its_stdin_without_end_waits(
    #[case] language: &str,
    #[case] code: &str,
) {
    assert_accepted(
        language,
        code,
        ControlGroups::WhereUsable,
        async |watcher| {
            watcher.expect(RunnerEvent::Awaiting).await;
            watcher.expect(RunnerEvent::Parked).await;
            watcher.give(line("x\n"));
            watcher.expect_output("got x\n").await;
            // Node goes on until its stdin has ended.
            watcher.give(RunInput::Closed);
        },
    )
    .await;
}

/// It may be about to do something else, so the user is told nothing; but it needs no place meanwhile.
#[tokio::test]
async fn a_program_that_polls_its_stdin_for_a_time_is_not_said_to_wait() {
    let code = "import select, sys\n\
        while not select.select([sys.stdin], [], [], 0.5)[0]: pass\n\
        print('got', input(), flush=True)";
    assert_accepted(
        "python",
        code,
        ControlGroups::WhereUsable,
        async |watcher| {
            watcher.expect(RunnerEvent::Parked).await;
            watcher.give(line("x\n"));
            watcher.expect_output("got x\n").await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_program_that_polls_something_else_does_not_wait() {
    let code = "import os, select\n\
        reader, writer = os.pipe()\n\
        select.select([reader], [0], [], 0.3)\n\
        poll = select.epoll(); poll.register(reader, select.EPOLLIN); poll.poll(0.3)\n\
        os.write(1, b'done\\n')";
    assert_accepted(
        "python",
        code,
        ControlGroups::WhereUsable,
        async |watcher| {
            watcher.expect_output("done\n").await;
        },
    )
    .await;
}

/// Programs that wait may have half of all memory, so that others can go on.
#[tokio::test]
async fn a_program_that_needs_too_much_memory_keeps_its_place() {
    let sandbox = TestSandbox::with(|config| {
        config.memory_budget = Some(ByteSize::from_mib(100));
    })
    .await;
    let (mut io, mut watcher) = parking_io();
    let program = Program {
        memory: ByteSize::from_mib(51),
        ..Program::new("python", "print('got', input(), flush=True)")
    };
    let program = program.interactive();
    let running = program.run_with(&*sandbox.runner, &mut io);
    let acting = async {
        watcher.expect(RunnerEvent::Awaiting).await;
        watcher.give(line("x\n"));
        watcher.expect_output("got x\n").await;
    };
    let (report, ()) = tokio::join!(running, acting);
    assert_eq!(report.unwrap().verdict, Verdict::Accepted);
}

/// Many threads wait for an epoll with many descriptors.
const EXPENSIVE_TO_LOOK_AT: &str = "import os, select, threading, time\n\
    epoll = select.epoll()\n\
    for _ in range(35):\n\
    \x20   file = os.eventfd(0)\n\
    \x20   for descriptor in range(40, 62):\n\
    \x20       os.dup2(file, descriptor)\n\
    \x20       epoll.register(descriptor, select.EPOLLIN)\n\
    \x20   os.closerange(40, 62)\n\
    for _ in range(25): threading.Thread(target=epoll.poll, daemon=True).start()\n\
    os.write(1, b'ready\\n')\n\
    time.sleep(2)\n\
    os.write(1, b'done\\n')\n\
    os._exit(0)";

#[tokio::test]
async fn a_program_cannot_have_the_service_look_at_it_all_the_time() {
    let groups = ControlGroups::WhereUsable;
    let mut used = Duration::ZERO;
    assert_accepted("python", EXPENSIVE_TO_LOOK_AT, groups, async |watcher| {
        watcher.expect_output("ready\n").await;
        let before = process_cpu();
        watcher.expect_output("done\n").await;
        used = process_cpu().saturating_sub(before);
    })
    .await;
    assert!(used < Duration::from_millis(400), "{used:?}");
}

fn process_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap()
}
