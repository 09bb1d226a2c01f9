//! Tests programs that write or read too much, too little, or nothing.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_conformance::code_runner::interactive_io;
use coderun_domain::{OutputStream, RunIo, Verdict};

use crate::support::{
    TestSandbox, assert_prints, eventually, program, run, run_program, sandboxes,
};

const CAP: usize = 64 * 1024;
/// The last piece may go beyond the cap, by as much as is read at a time.
const PIECE: usize = 64 * 1024;

#[tokio::test]
async fn a_flood_is_cut_at_the_cap_and_stopped() {
    let ran = run("bash", "exec yes").await;
    assert_eq!(ran.report.verdict, Verdict::OutputLimit);
    assert!((CAP + 1..=CAP + PIECE).contains(&ran.stdout.len()));
    assert_eq!(ran.stdout[..CAP], b"y\n".repeat(CAP / 2));
}

#[tokio::test]
async fn a_flood_is_stopped_before_the_program_gets_an_error() {
    let ran = run("python", "while True: print('x' * 1000)").await;
    assert_eq!(ran.report.verdict, Verdict::OutputLimit);
    assert_eq!(ran.stderr(), "");
}

#[tokio::test]
async fn a_flood_on_both_streams_is_cut_on_each() {
    let ran = run("bash", "yes out & yes err >&2").await;
    assert_eq!(ran.report.verdict, Verdict::OutputLimit);
    assert!(ran.stdout.len().max(ran.stderr.len()) <= CAP + PIECE);
}

#[tokio::test]
async fn one_byte_more_than_fits_is_too_much() {
    let code = format!("import os\nos.write(1, b'x' * {})", CAP + 1);
    let ran = run("python", &code).await;
    assert_eq!(ran.report.verdict, Verdict::OutputLimit);
    assert_eq!(
        ran.stdout.len(),
        CAP + 1,
        "so that it is known that there was more"
    );
}

#[tokio::test]
async fn a_program_may_leave_its_input_unread() {
    let program = program("bash", "echo done").input(&"x".repeat(10 << 20));
    let ran = run_program(program).await;
    assert_eq!(ran.stdout(), "done\n");
    assert_eq!(ran.report.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn large_input_arrives_whole() {
    let program = program("bash", "wc -c").input(&"x".repeat(3 << 20));
    assert_eq!(run_program(program).await.stdout(), "3145728\n");
}

#[tokio::test]
async fn a_program_may_close_its_streams_early() {
    let code = "import os, time\nos.write(1, b'before')\nfor fd in (0, 1, 2): os.close(fd)\ntime.sleep(0.1)\nos._exit(3)";
    let program = program("python", code).input(&"x".repeat(1 << 20));
    let ran = run_program(program).await;
    assert_eq!(ran.stdout(), "before");
    assert_eq!(
        ran.report.exit_status,
        Some(coderun_domain::ExitStatus::Exited(3))
    );
}

#[tokio::test]
async fn the_last_output_arrives() {
    let sandbox = TestSandbox::start().await;
    for _ in 0..20 {
        let ran = sandbox.run("bash", "printf first; printf last >&2").await;
        assert_eq!((ran.stdout(), &*ran.stderr()), ("first", "last"));
    }
}

#[tokio::test]
async fn nothing_can_be_typed_into_a_terminal() {
    let code = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n\
        for request in (0x5412, 0x541c, 0x5412 | 1 << 32):\n\
        \x20   libc.ioctl(0, ctypes.c_ulong(request), b'x'); print(ctypes.get_errno())\n\
        try: os.open('/dev/tty', os.O_RDWR)\nexcept OSError: print('no terminal')";
    assert_prints("python", code, "1\n1\n1\nno terminal\n").await;
}

#[tokio::test]
async fn a_compilation_can_be_cancelled() {
    let sandbox = TestSandbox::start().await;
    let program = program("cpp", "#include <bits/stdc++.h>\nint main() {}");
    let (mut io, client) = interactive_io();
    client.cancel();
    let report = program.run_with(&*sandbox.runner, &mut io).await.unwrap();
    assert_eq!(report.verdict, Verdict::Cancelled);
    assert_eq!(report.exit_status, None);
}

#[tokio::test]
async fn time_limits_hold_while_the_client_does_not_take_output() {
    /// Takes one piece of output, for as long as the program lives.
    struct Slow;

    #[async_trait]
    impl RunIo for Slow {
        async fn output(&mut self, _stream: OutputStream, _bytes: Bytes) {
            tokio::task::spawn_blocking(|| {
                eventually("the program is gone", || sandboxes().is_empty());
            })
            .await
            .unwrap();
        }

        fn mark_truncated(&mut self, _stream: OutputStream) {}
    }

    let sandbox = TestSandbox::start().await;
    let program = program("bash", "echo x; sleep 1000").wall(Duration::from_millis(300));
    let report = program.run_with(&*sandbox.runner, &mut Slow).await.unwrap();
    assert_eq!(report.verdict, Verdict::TimeLimit);
}
