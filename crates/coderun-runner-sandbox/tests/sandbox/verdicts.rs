//! Tests what becomes of the programs that people really write, in every language: one table, one test a verdict.

use std::time::Duration;

use coderun_conformance::code_runner::{CompletedRun, Program};
use coderun_domain::{ByteSize, Verdict};

use crate::support::{TestSandbox, program};

/// Programs of one language, by how they should end.
struct Programs {
    language: &'static str,
    greets: &'static str,
    loops: &'static str,
    hoards: &'static str,
    fails: &'static str,
    floods: &'static str,
    multiplies: &'static str,
    has_threads: &'static str,
}

const TABLE: [Programs; 5] = [
    Programs {
        language: "python",
        greets: "print('hello')",
        loops: "while True: pass",
        hoards: "kept = []\nwhile True: kept.append(bytearray(1 << 20))",
        fails: "raise ValueError('no')",
        floods: "while True: print('x' * 1000)",
        multiplies: "import os\nwhile True: os.fork()",
        has_threads: "import threading, time\n\
            threads = [threading.Thread(target=time.sleep, args=(0.1,)) for _ in range(8)]\n\
            for t in threads: t.start()\nfor t in threads: t.join()\nprint('hello')",
    },
    Programs {
        language: "javascript",
        greets: "console.log('hello')",
        loops: "for (;;) ;",
        hoards: "const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1))",
        fails: "throw new Error('no')",
        floods: "for (;;) require('fs').writeSync(1, 'x'.repeat(1000))",
        multiplies: "for (;;) require('child_process').spawn('sleep', ['9'], { stdio: 'ignore' })",
        has_threads: "const { Worker } = require('worker_threads');\n\
            const start = () => new Promise(done => new Worker('', { eval: true }).on('exit', done));\n\
            Promise.all([start(), start()]).then(() => console.log('hello'))",
    },
    Programs {
        language: "bash",
        greets: "echo hello",
        loops: "while true; do :; done",
        hoards: "x=xxxxxxxxxxxxxxxx; while true; do x=$x$x; done",
        fails: "exit 3",
        floods: "exec yes",
        multiplies: ":(){ : | :; }; :",
        has_threads: "sleep 0.1 & sleep 0.1 & wait; echo hello",
    },
    Programs {
        language: "c",
        greets: "#include <stdio.h>\nint main(void) { puts(\"hello\"); }",
        loops: "int main(void) { for (volatile int i = 0;; i++); }",
        hoards: "#include <stdlib.h>\n#include <string.h>\n\
            int main(void) { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }",
        fails: "int main(void) { volatile int *p = 0; return *p; }",
        floods: "#include <stdio.h>\nint main(void) { for (;;) puts(\"xxxxxxxx\"); }",
        multiplies: "#include <unistd.h>\nint main(void) { for (;;) fork(); }",
        has_threads: "#include <pthread.h>\n#include <stdio.h>\n#include <unistd.h>\n\
            static void *nap(void *x) { usleep(100000); return x; }\n\
            int main(void) { pthread_t t[8];\n\
            for (int i = 0; i < 8; i++) if (pthread_create(&t[i], 0, nap, 0)) return 1;\n\
            for (int i = 0; i < 8; i++) pthread_join(t[i], 0);\nputs(\"hello\"); }",
    },
    Programs {
        language: "cpp",
        greets: "#include <iostream>\nint main() { std::cout << \"hello\\n\"; }",
        loops: "int main() { for (volatile int i = 0;; i = i + 1); }",
        hoards: "#include <cstring>\nint main() { for (;;) std::memset(new char[1 << 20], 1, 1 << 20); }",
        fails: "#include <vector>\nint main() { return std::vector<int>().at(1); }",
        floods: "#include <cstdio>\nint main() { for (;;) std::puts(\"xxxxxxxx\"); }",
        multiplies: "#include <chrono>\n#include <thread>\nint main() {\n\
            for (;;) std::thread([] { std::this_thread::sleep_for(std::chrono::seconds(9)); }).detach(); }",
        has_threads: "#include <chrono>\n#include <iostream>\n#include <thread>\n#include <vector>\n\
            int main() { std::vector<std::thread> threads;\n\
            for (int i = 0; i < 8; i++) threads.emplace_back([] {\n\
            std::this_thread::sleep_for(std::chrono::milliseconds(100)); });\n\
            for (auto &thread : threads) thread.join();\nstd::cout << \"hello\\n\"; }",
    },
];

/// Runs a program of each language, and asserts its verdict.
async fn assert_each(
    choose: impl Fn(&Programs) -> &'static str,
    expected: Verdict,
) -> Vec<CompletedRun> {
    let sandbox = TestSandbox::start().await;
    let mut runs = Vec::new();
    for programs in &TABLE {
        let mut program = Program {
            memory: ByteSize::from_mib(128),
            processes: 32,
            ..program(programs.language, choose(programs))
        };
        // The others need time on a slow machine.
        if expected == Verdict::TimeLimit {
            program.cpu = Duration::from_millis(700);
        }
        let run = sandbox.run_program(program).await;
        let (verdict, stderr) = (run.report.verdict, run.stderr());
        assert_eq!(verdict, expected, "{}: {stderr}", programs.language);
        runs.push(run);
    }
    runs
}

#[tokio::test]
async fn a_greeting_is_accepted() {
    for run in assert_each(|it| it.greets, Verdict::Accepted).await {
        assert_eq!(run.stdout(), "hello\n");
    }
}

#[tokio::test]
async fn an_endless_loop_is_the_time_limit() {
    assert_each(|it| it.loops, Verdict::TimeLimit).await;
}

#[tokio::test]
async fn memory_without_end_is_the_memory_limit() {
    assert_each(|it| it.hoards, Verdict::MemoryLimit).await;
}

#[tokio::test]
async fn a_failure_is_a_runtime_error() {
    assert_each(|it| it.fails, Verdict::RuntimeError).await;
}

#[tokio::test]
async fn output_without_end_is_the_output_limit() {
    assert_each(|it| it.floods, Verdict::OutputLimit).await;
}

#[tokio::test]
async fn processes_without_end_are_the_process_limit() {
    assert_each(|it| it.multiplies, Verdict::ProcessLimit).await;
}

#[tokio::test]
async fn threads_are_accepted() {
    for run in assert_each(|it| it.has_threads, Verdict::Accepted).await {
        assert_eq!(run.stdout(), "hello\n");
    }
}
