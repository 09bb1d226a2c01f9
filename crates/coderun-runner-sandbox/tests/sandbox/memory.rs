//! Tests programs that use more memory than they may.

use std::time::Duration;

use coderun_conformance::code_runner::{AskedLimits, Program};
use coderun_domain::{ByteSize, CodeRunner as _, ExitStatus, Signal, Verdict};

use crate::support::{TestSandbox, assert_prints, program, run, run_program};

#[tokio::test]
async fn one_large_block_ends_at_the_memory_limit() {
    let ran = run("python", "b'x' * (1 << 33)").await;
    assert_eq!(ran.report.verdict, Verdict::MemoryLimit);
    let peak = ran.report.usage.memory.unwrap();
    assert!(peak <= ByteSize::from_mib(64), "{peak}");
}

#[tokio::test]
async fn a_slow_leak_ends_at_the_memory_limit() {
    let code = "kept = []\nwhile True: kept.append(bytearray(1 << 16))";
    let ran = run("python", code).await;
    assert_eq!(ran.report.verdict, Verdict::MemoryLimit);
    assert_eq!(
        ran.report.exit_status,
        Some(ExitStatus::Signaled(Signal::KILL))
    );
}

#[tokio::test]
async fn memory_is_the_sum_over_all_processes_and_all_of_them_die() {
    // None of the eight needs more than a quarter of the limit; the parent survives its children.
    let code = "import os, time\nfor _ in range(8):\n\
        \x20   if os.fork() == 0:\n        kept = bytearray(os.urandom(1 << 20) * 15)\n        time.sleep(100)\n\
        time.sleep(100)";
    let verdict = run("python", code).await.report.verdict;
    assert_eq!(verdict, Verdict::MemoryLimit);
}

#[tokio::test]
async fn memory_that_is_reserved_but_not_used_is_not_counted() {
    let code = "import mmap\n\
        try: m = mmap.mmap(-1, 1 << 38, flags=mmap.MAP_PRIVATE | 0x4000); print('reserved')\n\
        except OSError as e: print('refused', e.errno)";
    let ran = run("python", code).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", ran.stdout());
    assert!(ran.report.usage.memory.unwrap() < ByteSize::from_mib(32));
}

#[tokio::test]
async fn files_in_memory_are_bounded_and_counted() {
    let sandbox = TestSandbox::start().await;
    for folder in ["/dev/shm", "/tmp", "/box"] {
        let code = format!(
            "n = 0\ntry:\n    while True:\n        open(f'{folder}/{{n}}', 'wb').write(b'x' * (1 << 20)); n += 1\n\
            except OSError as e: print(e.strerror, n < 20)"
        );
        let ran = sandbox.run("python", &code).await;
        assert_eq!(ran.stdout(), "No space left on device True\n", "{folder}");
    }
}

/// Nothing counts those where there are no control groups: see `absent` in the system call filter.
#[tokio::test]
async fn anonymous_files_are_counted_as_memory_or_refused() {
    let sandbox = TestSandbox::start().await;
    let code = "import os\nkept = []\n\
        while True:\n    fd = os.memfd_create('x'); kept.append(fd); os.write(fd, b'x' * (2 << 20))";
    let ran = sandbox.run("python", code).await;
    if sandbox.has_groups() {
        assert_eq!(ran.report.verdict, Verdict::MemoryLimit);
    } else {
        assert!(
            ran.stderr().ends_with("Function not implemented\n"),
            "{}",
            ran.stderr()
        );
    }
}

#[tokio::test]
async fn page_tables_are_counted_as_memory() {
    let code = "import mmap\nm = mmap.mmap(-1, 1 << 37, mmap.MAP_PRIVATE | 0x4000, mmap.PROT_READ)\n\
        for i in range(0, len(m), 1 << 21): m[i]\nprint('all')";
    let ran = run("python", code).await;
    assert_eq!(ran.report.verdict, Verdict::MemoryLimit, "{}", ran.stderr());
}

#[tokio::test]
async fn an_allocation_that_fails_is_the_memory_limit() {
    let sandbox = TestSandbox::start().await;
    // More than any machine can address.
    for (language, code) in [
        ("python", "b'x' * (1 << 60)"),
        ("javascript", "new ArrayBuffer(2 ** 46)"),
        (
            "cpp",
            "char *volatile kept; volatile unsigned long size = 1UL << 46; int main() { kept = new char[size]; }",
        ),
    ] {
        let ran = sandbox.run(language, code).await;
        let (verdict, stderr) = (ran.report.verdict, ran.stderr());
        assert_eq!(verdict, Verdict::MemoryLimit, "{language}: {stderr}");
    }
}

#[tokio::test]
async fn a_program_that_speaks_of_memory_is_judged_by_its_exit() {
    let sandbox = TestSandbox::start().await;
    for (code, expected) in [
        (
            "import sys\nprint('MemoryError', file=sys.stderr)",
            Verdict::Accepted,
        ),
        (
            "import sys\nprint('MemoryError', file=sys.stderr); sys.exit(3)",
            Verdict::RuntimeError,
        ),
        ("raise ValueError('MemoryError')", Verdict::RuntimeError),
        (
            "try: b'x' * (1 << 60)\nexcept MemoryError: pass\nraise ValueError()",
            Verdict::RuntimeError,
        ),
    ] {
        let verdict = sandbox.run("python", code).await.report.verdict;
        assert_eq!(verdict, expected, "{code}");
    }
}

#[tokio::test]
async fn the_same_greeting_uses_the_same_memory_cold_and_warm() {
    let sandbox = TestSandbox::start().await;
    let mut memory = Vec::new();
    for _ in 0..2 {
        let ran = sandbox.run("javascript", "console.log('hello')").await;
        memory.push(ran.report.usage.memory.unwrap().as_bytes());
    }
    let (least, most) = (memory.iter().min().unwrap(), memory.iter().max().unwrap());
    assert!(most - least < most / 5, "{memory:?}");
}

/// Recurses with a kilobyte of stack each time: as deep as `DEPTH`.
const RECURSION: &str = "#include <stdio.h>\n\
    static int deep(long n) { volatile char frame[1024]; frame[0] = 1; return n == 0 ? 0 : deep(n - 1) + frame[0]; }\n\
    int main(void) { printf(\"%d\\n\", deep(DEPTH)); }";

#[tokio::test]
async fn the_stack_may_use_the_memory_limit() {
    let program = Program {
        memory: ByteSize::from_mib(256),
        ..program("c", &RECURSION.replace("DEPTH", "150000"))
    };
    let ran = run_program(program).await;
    assert_eq!(ran.stdout(), "150000\n", "{:?}", ran.report);
}

#[tokio::test]
async fn endless_recursion_ends_at_the_memory_limit() {
    let ran = run("c", &RECURSION.replace("DEPTH", "1L << 30")).await;
    assert_eq!(ran.report.verdict, Verdict::MemoryLimit);
}

#[tokio::test]
async fn a_javascript_program_may_use_its_memory_limit() {
    let code = "const kept = [];\nwhile (kept.length < 300) kept.push(new Array(1 << 17).fill(1));\n\
        console.log(kept.length);";
    let program = Program {
        memory: ByteSize::from_mib(512),
        ..program("javascript", code)
    };
    let ran = run_program(program).await;
    assert_eq!(ran.stdout(), "300\n", "{}", ran.stderr());
}

#[tokio::test]
async fn stacks_of_threads_stay_small() {
    // The size in KiB that a thread gets that asks for none.
    let code = "#define _GNU_SOURCE\n#include <pthread.h>\n#include <stdio.h>\n\
        static void *size(void *unused) {\n\
        \x20   pthread_attr_t own; size_t bytes; pthread_getattr_np(pthread_self(), &own);\n\
        \x20   pthread_attr_getstacksize(&own, &bytes); printf(\"%d\\n\", bytes >= 1 << 20 && bytes <= 8 << 20); return unused; }\n\
        int main(void) { pthread_t other; pthread_create(&other, 0, size, 0); return pthread_join(other, 0); }";
    assert_prints("c", code, "1\n").await;
}

#[tokio::test]
async fn a_program_may_lower_the_limit_of_its_stack() {
    let code = "import resource, subprocess\n\
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 23, 1 << 24))\n\
        print(subprocess.run(['bash', '-c', 'ulimit -s; ulimit -Hs'], capture_output=True, text=True).stdout)";
    assert_prints("python", code, "8192\n16384\n\n").await;
}

#[tokio::test]
async fn a_program_may_raise_no_limit() {
    let code = "import resource\n\
        for name in 'CORE CPU FSIZE MEMLOCK MSGQUEUE NICE NOFILE NPROC RTPRIO SIGPENDING'.split():\n\
        \x20   limit = getattr(resource, 'RLIMIT_' + name)\n\
        \x20   soft, hard = resource.getrlimit(limit)\n\
        \x20   if soft != hard: print(name, soft, hard)\n\
        \x20   for change in (resource.setrlimit, lambda *limits: resource.prlimit(0, *limits)):\n\
        \x20       try: change(limit, (soft, hard + 1)); print(name, 'is raised')\n\
        \x20       except (ValueError, PermissionError): pass\n\
        print('end')";
    assert_prints("python", code, "end\n").await;
}

/// Fills its memory but for what the kernel and its code need, reads files that are not in memory, and goes on for ever.
const STANDS_STILL: &str = "import glob\n\
    def used(): return int(open('/proc/self/status').read().split('RssAnon:')[1].split()[0])\n\
    kept = []\n\
    while used() < 253 << 10: kept.append(bytearray(b'x') * (256 << 10))\n\
    for path in glob.glob('/usr/lib/gcc/*/*/cc1*'):\n\
    \x20   with open(path, 'rb', buffering=0) as file:\n\
    \x20       while file.read(65536): pass\n\
    print('full', flush=True)\n\
    while True: pass";

/// Version 2 alone tells that a limit was met without a kill.
#[tokio::test]
async fn the_time_of_a_program_that_stands_still_is_spent_on_memory() {
    let sandbox = TestSandbox::start().await;
    let means = sandbox.runner.profile().enforcement.memory.unwrap();
    let program = Program {
        memory: ByteSize::from_mib(256),
        ..program("python", STANDS_STILL)
    };
    let ran = sandbox.run_program(program).await;
    let expected = if means == "cgroup2" {
        Verdict::MemoryLimit
    } else {
        Verdict::TimeLimit
    };
    assert_eq!(ran.stdout(), "full\n");
    assert_eq!(ran.report.verdict, expected, "{means}");
}

#[tokio::test]
async fn memory_cannot_be_locked() {
    let code = "import ctypes\nlibc = ctypes.CDLL(None)\nprint(libc.mlockall(3))";
    assert_prints("python", code, "-1\n").await;
}

#[tokio::test]
async fn a_program_that_handles_a_failed_allocation_is_judged_by_its_exit() {
    let code = "import resource, sys\nresource.setrlimit(resource.RLIMIT_AS, (1 << 25, 1 << 25))\n\
        try: b'x' * (1 << 33)\nexcept MemoryError: sys.exit(5)";
    let ran = run("python", code).await;
    assert_eq!(ran.report.exit_status, Some(ExitStatus::Exited(5)));
    assert_eq!(ran.report.verdict, Verdict::RuntimeError);
}

#[tokio::test]
async fn too_little_memory_for_any_program_is_the_memory_limit() {
    let sandbox = TestSandbox::start().await;
    for memory in [1, 100 << 10, 400 << 10] {
        let program = Program {
            memory: ByteSize::from_bytes(memory),
            ..program("python", "print(1)")
        };
        let ran = sandbox.run_program(program).await;
        assert_eq!(ran.report.verdict, Verdict::MemoryLimit, "{memory}");
    }
}

/// A sandbox whose programs may have 100 MiB together.
async fn with_a_budget() -> TestSandbox {
    TestSandbox::with(|config| {
        config.memory_budget = Some(ByteSize::from_mib(100));
        config.slots = 4;
    })
    .await
}

fn with_memory(code: &str, mib: u64) -> Program {
    let memory = ByteSize::from_mib(mib);
    Program {
        memory,
        ..program("python", code)
    }
}

/// How long a program that waits for memory is seen not to begin.
const WAITS_FOR: Duration = Duration::from_millis(700);

#[tokio::test]
async fn a_program_waits_until_its_memory_fits_beside_that_of_others() {
    let sandbox = with_a_budget().await;
    let first = with_memory("print('first', input())", 60);
    let second = with_memory("print('second')", 60);
    let mut second = Box::pin(sandbox.run_program(second));
    let report = first.run_interactively(&*sandbox.runner, async |client| {
        client.read_until_awaiting_input().await;
        let begun = tokio::time::timeout(WAITS_FOR, &mut second).await;
        assert!(begun.is_err(), "it ran beside the first");
        client.send("x\n");
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
    assert_eq!(second.await.stdout(), "second\n");
}

#[tokio::test]
async fn a_program_that_never_fits_is_refused_with_the_reason() {
    let sandbox = with_a_budget().await;
    let program = Program {
        asked_limits: AskedLimits::BeyondMaximum,
        ..with_memory("print('no')", 101)
    };
    let report = sandbox.run_program(program).await.report;
    assert_eq!(report.verdict, Verdict::Rejected);
    let hint = report.hint.unwrap();
    assert!(
        hint.contains("101 MiB") && hint.contains("100 MiB"),
        "{hint}"
    );
}
