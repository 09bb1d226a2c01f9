use coderun_domain::Signal;

use super::*;

const ABORTED: ExitStatus = ExitStatus::Signaled(Signal::from_number(libc::SIGABRT));
const FAILED: ExitStatus = ExitStatus::Exited(1);

const NODE_TRACE: &str = "\n<--- Last few GCs --->\n\n[2:0x1] 60 ms: Mark-Compact 4.1 (5.2) -> 4.0 (6.2) MB\n\n\
    <--- JS stacktrace --->\n\n\
    FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n\
    ----- Native stack trace -----\n\n 1: 0xb8ced1 node::OOMErrorHandler [node]\n 2: 0xf06250  [node]\n";

const NODE_BUFFER: &str = "/box/main.js:1\nnew ArrayBuffer(1 << 40)\n^\n\n\
    RangeError: Array buffer allocation failed\n    at new ArrayBuffer (<anonymous>)\n\
    \x20   at Module._compile (node:internal/modules/cjs/loader:1554:14)\n\nNode.js v20.20.2\n";

const GO_TRACE: &str = "runtime: out of memory: cannot allocate 8589934592-byte block\n\
    fatal error: runtime: out of memory\n\nruntime stack:\nruntime.throw({0x48, 0x16})\n\
    \t/usr/local/go/src/runtime/panic.go:1047 +0x5d\n\ngoroutine 1 [running]:\nmain.main()\n\
    \t/box/main.go:4 +0x1d\n";

const JAVA_TRACE: &str = "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\
    \tat Main.main(Main.java:3)\n";

#[test]
fn an_allocation_that_fails_is_recognised_in_every_runtime() {
    for (exit_status, stderr) in [
        (
            FAILED,
            "Traceback (most recent call last):\n  File \"/box/main.py\", line 1, in <module>\nMemoryError\n",
        ),
        (
            FAILED,
            "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB\n",
        ),
        (
            ABORTED,
            "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
        ),
        (ABORTED, NODE_TRACE),
        (FAILED, NODE_BUFFER),
        (FAILED, JAVA_TRACE),
        (ExitStatus::Exited(2), GO_TRACE),
        (ABORTED, "memory allocation of 8589934592 bytes failed\n"),
        (
            FAILED,
            "cc1plus: out of memory allocating 65536 bytes after a total of 397312 bytes\n",
        ),
    ] {
        let refused = refused_resource(exit_status, stderr, false);
        assert_eq!(refused, Some(Resource::Memory), "{stderr}");
    }
}

#[test]
fn a_refused_process_is_told_from_refused_memory() {
    for (exit_status, stderr) in [
        (
            FAILED,
            "BlockingIOError: [Errno 11] Resource temporarily unavailable\n",
        ),
        (
            ABORTED,
            "terminate called after throwing an instance of 'std::system_error'\n  what():  Resource temporarily unavailable\n",
        ),
        (
            FAILED,
            "Exception in thread \"main\" java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory\n\tat Main.main(Main.java:3)\n",
        ),
        (
            ExitStatus::Exited(254),
            "main.sh: fork: Resource temporarily unavailable\n",
        ),
    ] {
        let refused = refused_resource(exit_status, stderr, false);
        assert_eq!(refused, Some(Resource::Process), "{stderr}");
    }
}

#[test]
fn a_program_that_handles_the_failure_is_judged_by_its_own_exit() {
    for exit_status in [ExitStatus::Exited(0), ExitStatus::Exited(3), ABORTED] {
        assert_eq!(refused_resource(exit_status, "MemoryError\n", false), None);
    }
    assert_eq!(
        refused_resource(FAILED, "  what():  std::bad_alloc\n", false),
        None
    );
    assert_eq!(refused_resource(FAILED, NODE_TRACE, false), None);
}

#[test]
fn words_that_are_not_the_last_count_for_nothing() {
    for stderr in [
        "MemoryError\nTraceback (most recent call last):\nValueError: 3\n",
        "caught MemoryError\n",
        "ValueError: MemoryError\n",
        "RangeError: Array buffer allocation failed\nTypeError: x\n    at main.js:1\n\nNode.js v20\n",
        "",
    ] {
        assert_eq!(refused_resource(FAILED, stderr, false), None, "{stderr}");
    }
}

#[test]
fn processes_that_were_refused_at_once_are_understood_though_their_messages_mix() {
    let mixed = "Traceback (most recent call last):\nTraceback (most recent call last):\n\
        BlockingIOErrorBlockingIOError: : [Errno 11] Resource temporarily unavailable[Errno 11] ";
    let refused = refused_resource(FAILED, mixed, true);
    assert_eq!(refused, Some(Resource::Process));
    // One process does not mix its lines with others, and what a program has handled is its own affair.
    assert_eq!(refused_resource(FAILED, mixed, false), None);
    for own in [0, 3] {
        assert_eq!(refused_resource(ExitStatus::Exited(own), mixed, true), None);
    }
    assert_eq!(refused_resource(FAILED, "ValueError: 3\n", true), None);
}
