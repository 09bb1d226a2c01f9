//! Checks programs that get input while they run, on runners whose profile says that they pass input on.

use std::time::Duration;

use bytes::Bytes;
use coderun_domain::{ByteSize, ExitStatus, OutputStream, Verdict};

use super::InteractiveRunner;
use super::interactive_io::ProgramEvent;
use super::program::Program;

/// Later input follows the submission's own, and each piece reaches the program before the next is sent.
pub async fn input_that_comes_while_it_runs_arrives_in_order(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    let code = "import sys\nfor line in sys.stdin: print('got', line, end='', flush=True)";
    let program = Program::python(code).input("first\nsec");
    let report = program.run_interactively(&*under_test.runner, async |client| {
        assert_eq!(client.read_stdout_until("first\n").await, "got first\n");
        client.send("ond\n");
        assert_eq!(client.read_stdout_until("second\n").await, "got second\n");
        client.send("third\n");
        client.send("four");
        client.send("th\n");
        assert_eq!(
            client.read_stdout_until("fourth\n").await,
            "got third\ngot fourth\n"
        );
        client.close();
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// The user sees the question, and earlier text on the other stream, before the program is said to wait.
pub async fn a_prompt_is_passed_on_before_the_program_is_said_to_wait(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    let code =
        "import sys\nsys.stderr.write('careful ')\nname = input('name? ')\nprint('hello', name)";
    let report = Program::python(code).run_interactively(&*under_test.runner, async |client| {
        let [stdout, stderr] = client.read_until_awaiting_input().await;
        assert_eq!((stdout.as_str(), stderr.as_str()), ("name? ", "careful "));
        client.send("Bob\n");
        assert_eq!(client.read_stdout_until("\n").await, "hello Bob\n");
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// Without new input, a waiting program is not reported again, whatever else it does.
pub async fn waiting_is_reported_once_and_again_after_more_input(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    // Its output meanwhile shows that time passes.
    let code = "import threading, time\n\
        def tick():\n\
        \x20   while not done: time.sleep(0.05); print('tick', flush=True)\n\
        for _ in range(2):\n\
        \x20   done = []; ticking = threading.Thread(target=tick); ticking.start()\n\
        \x20   input(); done.append(True); ticking.join()";
    let report = Program::python(code).run_interactively(&*under_test.runner, async |client| {
        for _ in 0..2 {
            client.read_until_awaiting_input().await;
            for _ in 0..10 {
                let event = client.next_event().await.unwrap();
                assert!(matches!(event, ProgramEvent::Output(..)), "{event:?}");
            }
            client.send("\n");
        }
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// A program that is busy, sleeps, or reads from another source does not wait for its user.
pub async fn a_program_that_does_not_read_its_input_is_not_said_to_wait(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    let code = "import os, subprocess, sys, time\n\
        end = time.monotonic() + 0.3\n\
        while time.monotonic() < end: pass\n\
        time.sleep(0.3)\n\
        reader, writer = os.pipe()\n\
        child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=reader)\n\
        time.sleep(0.3)\n\
        os.write(writer, b'x\\n')\n\
        sys.exit(child.wait())";
    let report = Program::python(code).run_interactively(&*under_test.runner, async |client| {
        assert_eq!(client.next_event().await, None);
    });
    assert_eq!(report.await.exit_status, Some(ExitStatus::Exited(0)));
}

/// After the end of input the program finds the end of its stdin, behind all input before.
pub async fn the_end_of_input_ends_a_program_that_reads(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    let program = Program::python("import sys\nprint(sys.stdin.read()[::-1])").input("de");
    let report = program.run_interactively(&*under_test.runner, async |client| {
        client.read_until_awaiting_input().await;
        client.send("liver");
        client.close();
        assert_eq!(client.read_stdout_until("\n").await, "reviled\n");
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// The size of a piece of input, in bytes.
const PIECE: usize = 16 * 1024;

/// Unread input does not delay a cancellation.
pub async fn a_program_that_never_reads_can_be_cancelled_although_much_was_sent(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    // Longer than a clause waits.
    let program = Program::sleeper().wall(Duration::from_mins(2));
    let report = program.run_interactively(&*under_test.runner, async |client| {
        for _ in 0..256 {
            client.send(vec![b'x'; PIECE]);
        }
        client.wait_until_only_cancel_is_wanted().await;
        under_test.wait_until_running(1).await;
        client.cancel();
    });
    assert_eq!(report.await.verdict, Verdict::Cancelled);
    assert_eq!((under_test.running_programs)(), 0);
}

/// Input that the program does not read stays with its sender.
pub async fn only_a_bounded_amount_of_input_is_requested(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    let code = "import time\ntime.sleep(0.3)\nprint('still here', flush=True)\ntime.sleep(1000)";
    let program = Program::python(code).wall(Duration::from_mins(2));
    let report = program.run_interactively(&*under_test.runner, async |client| {
        for _ in 0..256 {
            client.send(vec![b'x'; PIECE]);
        }
        client.read_stdout_until("still here\n").await;
        let taken = client.requested_bytes();
        assert!((1..=REQUESTED_MAX).contains(&taken), "{taken} bytes");
        client.cancel();
    });
    assert_eq!(report.await.verdict, Verdict::Cancelled);
}

/// The most that may wait in a runner and in the kernel: far less than a client may send.
const REQUESTED_MAX: usize = 256 * 1024;

/// Input in pieces of all sizes is neither lost nor changed while the program answers.
pub async fn what_is_echoed_comes_back_byte_for_byte(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    let sent: Vec<u8> = { 0..1_u32 << 20 }
        .map(|i| (i.wrapping_mul(i) >> 7).to_le_bytes()[0])
        .collect();
    let program = Program {
        output: ByteSize::from_mib(2),
        ..Program::python("import os\nwhile piece := os.read(0, 5000): os.write(1, piece)")
    };
    let report = program.run_interactively(&*under_test.runner, async |client| {
        let mut rest = sent.as_slice();
        for size in [1, 10, 4096, 100_000].into_iter().cycle() {
            let (piece, others) = rest.split_at(size.min(rest.len()));
            client.send(Bytes::copy_from_slice(piece));
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        client.close();
        let mut echoed = Vec::new();
        while let Some(event) = client.next_event().await {
            if let ProgramEvent::Output(OutputStream::Stdout, bytes) = event {
                echoed.extend_from_slice(&bytes);
            }
        }
        assert!(echoed == sent, "{} bytes came back", echoed.len());
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// Input after the end of the program is no error.
pub async fn a_program_may_end_while_input_still_comes(
    InteractiveRunner(under_test): InteractiveRunner,
) {
    let program = Program::python("print('enough:', input())");
    let report = program.run_interactively(&*under_test.runner, async |client| {
        client.send("this\n");
        for _ in 0..64 {
            client.send(vec![b'x'; PIECE]);
        }
        assert_eq!(client.read_stdout_until("\n").await, "enough: this\n");
    });
    assert_eq!(report.await.exit_status, Some(ExitStatus::Exited(0)));
}
