//! Tests the limits that the service keeps by itself, where it may use no control groups.

use coderun_conformance::code_runner::{CompletedRun, Program};
use coderun_domain::{ByteSize, Verdict};
use coderun_runner_sandbox::ControlGroups;

use crate::support::{TestSandbox, program};

async fn start() -> TestSandbox {
    TestSandbox::with(|config| config.control_groups = ControlGroups::Never).await
}

async fn run(language: &str, code: &str) -> CompletedRun {
    start().await.run(language, code).await
}

#[tokio::test]
async fn shared_memory_counts_however_it_is_hidden() {
    let sandbox = start().await;
    let touched = "m = mmap.mmap(-1, 100 << 20)\nfor i in range(0, len(m), 4096): m[i] = 1";
    // The pages stay, in no process.
    let let_go = "m = mmap.mmap(-1, 100 << 20)\nfor i in range(0, len(m), 1 << 20):\n\
        \x20   m[i:i + (1 << 20)] = bytes(1 << 20); m.madvise(mmap.MADV_DONTNEED, i, 1 << 20)";
    let by_children = "m = mmap.mmap(-1, 100 << 20)\nfor i in range(0, len(m), 10 << 20):\n\
        \x20   if os.fork() == 0: m[i:i + (10 << 20)] = bytes(10 << 20); os._exit(0)\n    os.wait()";
    // Of each object one page stays mapped.
    let shrunk = "kept = []\nfor _ in range(400):\n\
        \x20   m = mmap.mmap(-1, 4 << 20); m[:] = bytes(4 << 20); m.resize(4096); kept.append(m)";
    for code in [touched, let_go, by_children, shrunk] {
        let code = format!("import mmap, os, time\n{code}\ntime.sleep(1)");
        let ran = sandbox.run("python", &code).await;
        assert_eq!(
            ran.report.verdict,
            Verdict::MemoryLimit,
            "{code}\n{}",
            ran.stderr()
        );
    }
}

#[tokio::test]
async fn files_and_memory_together_are_the_memory_limit() {
    // Files that have no name any more.
    let code = "import os, time\nfor _ in range(3):\n\
        \x20   fd = os.open('/tmp/x', os.O_RDWR | os.O_CREAT); os.unlink('/tmp/x'); os.write(fd, bytes(4 << 20))\n\
        kept = b'x' * (50 << 20)\ntime.sleep(1)";
    assert_eq!(
        run("python", code).await.report.verdict,
        Verdict::MemoryLimit
    );
}

#[tokio::test]
async fn memory_counts_when_the_first_thread_has_ended() {
    // At the end, its greatest resident size would tell.
    let code = "#include <pthread.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\
        static void *use(void *unused) {\n\
        usleep(100000);\n\
        for (int i = 0; i < 100; i++) memset(malloc(1 << 20), 1, 1 << 20);\n\
        write(1, \"used\\n\", 5); sleep(1); write(1, \"and kept\\n\", 9); _exit(0); }\n\
        int main(void) { pthread_t other; pthread_create(&other, NULL, use, NULL); pthread_exit(NULL); }";
    let ran = run("c", code).await;
    assert_eq!(ran.report.verdict, Verdict::MemoryLimit);
    assert!(!ran.stdout().contains("kept"), "{}", ran.stdout());
}

#[tokio::test]
async fn what_many_sockets_hold_counts() {
    // In ten processes, each of which may have 64 descriptors.
    let code = "import os, socket, time\n\
        for _ in range(10):\n\
        \x20   if os.fork() == 0:\n\
        \x20       kept = []\n\
        \x20       try:\n\
        \x20           while True: kept += socket.socketpair()\n\
        \x20       except OSError: pass\n\
        \x20       for one in kept:\n\
        \x20           one.setblocking(False)\n\
        \x20           try:\n\
        \x20               while True: one.send(bytes(60000))\n\
        \x20           except OSError: pass\n\
        \x20       time.sleep(4); os._exit(0)\n\
        for _ in range(10): os.wait()";
    let verdict = run("python", code).await.report.verdict;
    assert_eq!(verdict, Verdict::MemoryLimit);
}

#[tokio::test]
async fn some_connections_are_within_the_limit() {
    let code = "import socket\nserver = socket.create_server(('127.0.0.1', 0))\nkept = []\n\
        for _ in range(25): kept.append(socket.create_connection(server.getsockname())); kept.append(server.accept()[0])\n\
        print(len(kept))";
    assert_eq!(run("python", code).await.stdout(), "50\n");
}

#[tokio::test]
async fn buffers_of_sockets_keep_their_size() {
    // The kernel would double what is asked for, to a size that no buffer has at first.
    let code = "import socket\n\
        for family, kind in ((socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM)):\n\
        \x20   one = socket.socket(family, kind)\n\
        \x20   for size in (socket.SO_SNDBUF, socket.SO_RCVBUF):\n\
        \x20       before = one.getsockopt(socket.SOL_SOCKET, size)\n\
        \x20       one.setsockopt(socket.SOL_SOCKET, size, 150000)\n\
        \x20       print(one.getsockopt(socket.SOL_SOCKET, size) == before)\n\
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); print(one.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST))";
    let expected = format!("{}1\n", "True\n".repeat(6));
    assert_eq!(run("python", code).await.stdout(), expected);
}

#[tokio::test]
async fn memory_that_a_fork_shares_counts_once() {
    let code = "import os, time\nkept = b'x' * (30 << 20)\n\
        for _ in range(8):\n    if os.fork() == 0: time.sleep(0.3); os._exit(0)\n\
        for _ in range(8): os.wait()";
    let ran = run("python", code).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", ran.stderr());
    let memory = ran.report.usage.memory.unwrap();
    assert!(memory < ByteSize::from_mib(64), "{memory}");
}

#[tokio::test]
async fn memory_that_forks_shared_counts_for_each_that_writes_to_it() {
    // They write when all of them have been idle, 5 MiB in each of eight.
    let code = "import os, time\nkept = bytearray(30 << 20)\n\
        for i in range(0, len(kept), 4096): kept[i] = 1\nfor _ in range(8):\n\
        \x20   if os.fork() == 0:\n        time.sleep(0.4)\n\
        \x20       for i in range(0, 5 << 20, 4096): kept[i] = 2\n\
        \x20       time.sleep(0.6); os._exit(0)\n\
        for _ in range(8): os.wait()";
    // Beyond the sum over all of them, which would have the pages divided whatever they do.
    let program = Program {
        memory: ByteSize::from_mib(512),
        ..program("python", code)
    };
    let ran = start().await.run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", ran.stderr());
    let memory = ran.report.usage.memory.unwrap();
    assert!(memory > ByteSize::from_mib(55), "{memory}");
    assert!(memory < ByteSize::from_mib(140), "{memory}");
}

#[tokio::test]
async fn words_of_a_refused_process_count_where_processes_may_have_mixed_them() {
    let alone =
        "import sys\nprint('Resource temporarily unavailable\\nbye', file=sys.stderr)\nsys.exit(1)";
    let leaves_one =
        format!("import os, time\nif os.fork() == 0: time.sleep(9); os._exit(0)\n{alone}");
    for (code, expected) in [
        (alone, Verdict::RuntimeError),
        (&leaves_one, Verdict::ProcessLimit),
    ] {
        let ran = run("python", code).await;
        assert_eq!(ran.report.verdict, expected, "{code}\n{}", ran.stderr());
    }
}

#[tokio::test]
async fn a_process_in_the_memory_of_its_parent_counts_once() {
    let code = "#include <string.h>\n#include <unistd.h>\nstatic char block[40 << 20];\n\
        int main(void) { memset(block, 1, sizeof block); if (vfork() == 0) { usleep(300000); _exit(0); } return 0; }";
    assert_eq!(run("c", code).await.report.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn reserved_stacks_are_not_used_memory() {
    let code = "import threading, time\n\
        threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(14)]\n\
        for t in threads: t.start()\nfor t in threads: t.join()\nprint('ok')";
    let ran = run("python", code).await;
    assert_eq!(ran.stdout(), "ok\n", "{}", ran.stderr());
}

#[tokio::test]
async fn one_block_beyond_what_may_be_reserved_is_the_memory_limit() {
    let verdict = run("python", "b'x' * (1 << 33)").await.report.verdict;
    assert_eq!(verdict, Verdict::MemoryLimit);
}

#[tokio::test]
async fn a_limit_is_exceeded_by_little() {
    let program = Program {
        memory: ByteSize::from_mib(256),
        ..program(
            "c",
            "#include <stdlib.h>\n#include <string.h>\n\
            int main(void) { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }",
        )
    };
    let ran = start().await.run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::MemoryLimit);
    let memory = ran.report.usage.memory.unwrap();
    assert!(memory < ByteSize::from_mib(512), "{memory}");
}

/// The kernel counts such kills for the whole machine. Without groups on this one there is none.
#[tokio::test]
async fn a_kill_elsewhere_on_the_machine_changes_no_verdict() {
    let sandbox = start().await;
    let elsewhere = TestSandbox::start().await;
    let endless = program("bash", "while :; do :; done");
    let hungry = "kept = []\nwhile True: kept.append(b'x' * (1 << 20))";
    let (endless, hungry) = tokio::join!(
        sandbox.run_program(endless),
        elsewhere.run("python", hungry)
    );
    assert_eq!(endless.report.verdict, Verdict::TimeLimit);
    assert_eq!(hungry.report.verdict, Verdict::MemoryLimit);
}
