//! Programs that are talked with while they run. Only for runners whose profile says that they pass input on.

use std::time::Duration;

use bytes::Bytes;
use coderun_domain::{ByteSize, Ending, OutputStream, Verdict};

use super::conversation::Heard;
use super::program::Program;
use super::{RunnerSetup, RunnerUnderTest};

/// A runner that passes input on; `None` where this one does not.
#[expect(clippy::print_stderr, reason = "a clause that is left out says so")]
async fn interactive_runner(setup: &RunnerSetup) -> Option<RunnerUnderTest> {
    let under_test = setup.runner().await;
    if under_test.runner.profile().interactive {
        return Some(under_test);
    }
    eprintln!(
        "left out: {:?} is not interactive",
        under_test.runner.profile()
    );
    None
}

/// What comes while a program runs follows the submission's own input, and the program has it before the next piece comes.
pub async fn input_that_comes_while_it_runs_arrives_in_order(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    let code = "import sys\nfor line in sys.stdin: print('got', line, end='', flush=True)";
    let program = Program::python(code).input("first\nsec");
    let report = under_test.talk(program, async |partner| {
        assert_eq!(partner.hear_until("first\n").await, "got first\n");
        partner.send("ond\n");
        assert_eq!(partner.hear_until("second\n").await, "got second\n");
        partner.send("third\n");
        partner.send("four");
        partner.send("th\n");
        assert_eq!(
            partner.hear_until("fourth\n").await,
            "got third\ngot fourth\n"
        );
        partner.close();
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// Whoever is to answer has seen the question, and what came before it on the other stream.
pub async fn a_prompt_is_passed_on_before_it_is_told_that_the_program_waits(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    let code =
        "import sys\nsys.stderr.write('careful ')\nname = input('name? ')\nprint('hello', name)";
    let report = under_test.talk(Program::python(code), async |partner| {
        let [said, warned] = partner.hear_until_awaiting().await;
        assert_eq!((said.as_str(), warned.as_str()), ("name? ", "careful "));
        partner.send("Bob\n");
        assert_eq!(partner.hear_until("\n").await, "hello Bob\n");
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// As long as nothing comes there is nothing new to tell, whatever else the program does.
pub async fn it_is_told_once_that_a_program_waits_and_again_after_more_input(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    // What it writes meanwhile shows that time goes by.
    let code = "import threading, time\n\
        def tick():\n\
        \x20   while not done: time.sleep(0.05); print('tick', flush=True)\n\
        for _ in range(2):\n\
        \x20   done = []; ticking = threading.Thread(target=tick); ticking.start()\n\
        \x20   input(); done.append(True); ticking.join()";
    let report = under_test.talk(Program::python(code), async |partner| {
        for _ in 0..2 {
            partner.hear_until_awaiting().await;
            for _ in 0..10 {
                let heard = partner.hear().await.unwrap();
                assert!(matches!(heard, Heard::Output(..)), "{heard:?}");
            }
            partner.send("\n");
        }
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// A program that is busy, sleeps, or reads from something else does not wait for its user.
pub async fn a_program_that_does_not_read_its_input_is_not_said_to_wait(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    let code = "import os, subprocess, sys, time\n\
        end = time.monotonic() + 0.3\n\
        while time.monotonic() < end: pass\n\
        time.sleep(0.3)\n\
        reader, writer = os.pipe()\n\
        child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=reader)\n\
        time.sleep(0.3)\n\
        os.write(writer, b'x\\n')\n\
        sys.exit(child.wait())";
    let report = under_test.talk(Program::python(code), async |partner| {
        assert_eq!(partner.hear().await, None);
    });
    assert_eq!(report.await.ending, Some(Ending::Exited(0)));
}

/// Where somebody says that there is no more, the program finds the end, after all that came before.
pub async fn the_end_of_input_ends_a_program_that_reads(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    let program = Program::python("import sys\nprint(sys.stdin.read()[::-1])").input("de");
    let report = under_test.talk(program, async |partner| {
        partner.hear_until_awaiting().await;
        partner.send("liver");
        partner.close();
        assert_eq!(partner.hear_until("\n").await, "reviled\n");
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// A piece of input for programs that are sent much.
const PIECE: usize = 16 * 1024;

/// What is sent in vain is not in the way of a cancellation.
pub async fn a_program_that_never_reads_can_be_cancelled_although_much_was_sent(
    setup: RunnerSetup,
) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    // Longer than a clause waits.
    let program = Program::sleeper().wall(Duration::from_mins(2));
    let report = under_test.talk(program, async |partner| {
        for _ in 0..256 {
            partner.send(vec![b'x'; PIECE]);
        }
        partner.until_unwanted().await;
        under_test.until_alive(1).await;
        partner.cancel();
    });
    assert_eq!(report.await.verdict, Verdict::Cancelled);
    assert_eq!((under_test.alive)(), 0);
}

/// What a program does not read waits with whoever sent it.
pub async fn no_more_is_asked_for_than_a_bounded_amount(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    let code = "import time\ntime.sleep(0.3)\nprint('still here', flush=True)\ntime.sleep(1000)";
    let program = Program::python(code).wall(Duration::from_mins(2));
    let report = under_test.talk(program, async |partner| {
        for _ in 0..256 {
            partner.send(vec![b'x'; PIECE]);
        }
        partner.hear_until("still here\n").await;
        let taken = partner.taken_bytes();
        assert!((1..=ASKED_FOR_MAX).contains(&taken), "{taken} bytes");
        partner.cancel();
    });
    assert_eq!(report.await.verdict, Verdict::Cancelled);
}

/// What may wait in a runner and in the kernel: far less than anybody may send.
const ASKED_FOR_MAX: usize = 256 * 1024;

/// Much input in pieces of all sizes is neither lost nor changed, though the program answers while it comes.
pub async fn what_is_echoed_comes_back_byte_for_byte(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    let sent: Vec<u8> = { 0..1_u32 << 20 }
        .map(|i| (i.wrapping_mul(i) >> 7).to_le_bytes()[0])
        .collect();
    let program = Program {
        output: ByteSize::from_mib(2),
        ..Program::python("import os\nwhile piece := os.read(0, 5000): os.write(1, piece)")
    };
    let report = under_test.talk(program, async |partner| {
        let mut rest = sent.as_slice();
        for size in [1, 10, 4096, 100_000].into_iter().cycle() {
            let (piece, others) = rest.split_at(size.min(rest.len()));
            partner.send(Bytes::copy_from_slice(piece));
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        partner.close();
        let mut echoed = Vec::new();
        while let Some(heard) = partner.hear().await {
            match heard {
                Heard::Output(OutputStream::Stdout, bytes) => echoed.extend_from_slice(&bytes),
                Heard::Output(OutputStream::Stderr, _) | Heard::Awaiting => {}
            }
        }
        assert!(echoed == sent, "{} bytes came back", echoed.len());
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

/// What comes too late for a program is no error of anybody.
pub async fn a_program_may_end_while_input_still_comes(setup: RunnerSetup) {
    let Some(under_test) = interactive_runner(&setup).await else {
        return;
    };
    let program = Program::python("print('enough:', input())");
    let report = under_test.talk(program, async |partner| {
        partner.send("this\n");
        for _ in 0..64 {
            partner.send(vec![b'x'; PIECE]);
        }
        assert_eq!(partner.hear_until("\n").await, "enough: this\n");
    });
    assert_eq!(report.await.ending, Some(Ending::Exited(0)));
}
