//! Tests programs that write or read too much, too little, or nothing.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_conformance::code_runner::{Program, ProgramEvent, closed_io, interactive_io};
use coderun_domain::{ByteSize, OutputStream, RunIo, Verdict};

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

/// Asserts that a program of each language reads all of its input and writes to both streams, by their paths.
async fn assert_reopens_streams(sandbox: &TestSandbox) {
    for (language, code) in [
        (
            "javascript",
            "const fs = require('fs');\n\
             fs.writeFileSync('/dev/stderr', 'note\\n');\n\
             fs.writeFileSync('/dev/stdout', fs.readFileSync('/dev/stdin', 'utf8'));",
        ),
        (
            "python",
            "import sys\n\
             open('/dev/stderr', 'w').write('note\\n')\n\
             with open('/dev/stdin') as a, open('/proc/self/fd/1', 'a') as b: b.write(a.read())",
        ),
        (
            "bash",
            "echo note > /dev/stderr; cat /dev/fd/0 > /proc/self/fd/1",
        ),
        (
            "bash",
            "echo note | tee /dev/stderr > /dev/null; cat <(cat /dev/stdin) > /dev/stdout",
        ),
        (
            "c",
            "#include <stdio.h>\n\
             int main(void) {\n\
             \x20   FILE *in = fopen(\"/dev/stdin\", \"r\"), *out = fopen(\"/dev/stdout\", \"w\");\n\
             \x20   FILE *err = fopen(\"/dev/fd/2\", \"w\"); int c;\n\
             \x20   if (!in || !out || !err) { perror(\"cannot open\"); return 1; }\n\
             \x20   fputs(\"note\\n\", err);\n\
             \x20   while ((c = getc(in)) != EOF) putc(c, out);\n\
             }",
        ),
        (
            "cpp",
            "#include <fstream>\n\
             int main() {\n\
             \x20   std::ofstream(\"/dev/stderr\") << \"note\\n\";\n\
             \x20   std::ofstream(\"/dev/stdout\") << std::ifstream(\"/dev/stdin\").rdbuf();\n\
             }",
        ),
    ] {
        let program = Program {
            memory: ByteSize::from_mib(256),
            ..program(language, code).input("3 4\nlast")
        };
        let ran = sandbox.run_program(program).await;
        let written = (ran.stdout(), &*ran.stderr());
        assert_eq!(written, ("3 4\nlast", "note\n"), "{language}");
    }
}

#[tokio::test]
async fn the_streams_can_be_opened_again_by_their_paths() {
    assert_reopens_streams(&TestSandbox::start().await).await;
}

/// Opened again for writing, stdin is a pipe to the program itself: its end never comes, and nobody else is reached.
#[tokio::test]
async fn a_program_that_writes_to_its_own_stdin_reads_that() {
    let code = "import os\n\
        back = os.open('/proc/self/fd/0', os.O_WRONLY)\n\
        os.read(0, 5); os.write(back, b'echo'); print(os.read(0, 9))";
    let program = program("python", code).input("input");
    assert_eq!(run_program(program).await.stdout(), "b'echo'\n");
}

/// Node leaves output behind in the pipe when it exits.
#[tokio::test]
async fn much_output_before_a_sudden_exit_arrives_whole() {
    for code in [
        "process.stdout.write('x'.repeat(500000)); process.exit(0);",
        "process.stderr.write('x'.repeat(500000)); process.exit(0);",
    ] {
        let program = Program {
            memory: ByteSize::from_mib(256),
            output: ByteSize::from_mib(1),
            ..program("javascript", code)
        };
        let ran = run_program(program).await;
        assert_eq!(ran.stdout.len() + ran.stderr.len(), 500_000);
        assert_eq!(ran.report.verdict, Verdict::Accepted);
    }
}

/// What is written while the service is busy is read in the order of the streams' first writes.
#[tokio::test]
async fn stdout_before_stderr_is_told_in_that_order() {
    let code = "import os\nos.write(1, b'x' * 300000)\nos.write(2, b'note')";
    let program = Program {
        output: ByteSize::from_mib(1),
        ..program("python", code)
    };
    let (mut io, mut client) = closed_io();
    let sandbox = TestSandbox::start().await;
    program.run_with(&*sandbox.runner, &mut io).await.unwrap();
    drop(io);
    let mut before_note = 0;
    while let Some(event) = client.next_event().await {
        match event {
            ProgramEvent::Output(OutputStream::Stdout, bytes) => before_note += bytes.len(),
            ProgramEvent::Output(OutputStream::Stderr, _) => break,
            other @ (ProgramEvent::Truncated(_) | ProgramEvent::AwaitingInput) => {
                panic!("{other:?}")
            }
        }
    }
    assert_eq!(before_note, 300_000);
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
