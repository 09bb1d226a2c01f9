//! Tests programs that make forbidden system calls.

use std::fmt::Write;

use coderun_domain::{ExitStatus, Signal, Verdict};

use crate::support::{TestSandbox, assert_prints};

/// Calls by number, so that no library stands between, and prints the name of the error.
const CALL: &str = "import ctypes, errno\n\
    libc = ctypes.CDLL(None, use_errno=True)\n\
    def call(*arguments):\n\
    \x20   ctypes.set_errno(0)\n\
    \x20   answer = libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])\n\
    \x20   return 'allowed' if answer >= 0 else errno.errorcode[ctypes.get_errno()]\n";

/// Asserts that each of these calls gets this error.
async fn assert_refused(calls: &[&str], error: &str) {
    let sandbox = TestSandbox::start().await;
    let (mut calls_code, mut expected) = (String::new(), String::new());
    for call in calls {
        writeln!(calls_code, "print('{call}', call({call}))").unwrap();
        writeln!(expected, "{call} {error}").unwrap();
    }
    let ran = sandbox.run("python", &format!("{CALL}{calls_code}")).await;
    assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn other_processes_cannot_be_traced() {
    assert_refused(
        &["101, 16, 1, 0, 0", "310, 1, 0, 0, 0, 0, 0", "438, 0, 0, 0"],
        "EPERM",
    )
    .await;
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn nothing_can_be_mounted() {
    let calls = [
        "165, 0, 0, 0, 0, 0",
        "166, 0, 0",
        "155, 0, 0",
        "161, 0",
        "430, 0, 0",
        "428, 0, 0, 0",
        "442, 0, 0, 0, 0, 0",
    ];
    assert_refused(&calls, "EPERM").await;
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn no_namespace_can_be_made_or_entered() {
    // unshare, setns, and clone with each of the flags; the last has all the bits that an ordinary clone has too.
    let calls = [
        "272, 0x10000000",
        "308, 0, 0",
        "56, 0x10000000, 0, 0, 0, 0",
        "56, 0x20000011, 0, 0, 0, 0",
        "56, 0x40000011, 0, 0, 0, 0",
    ];
    assert_refused(&calls, "EPERM").await;
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn pages_that_are_kept_for_others_cannot_be_used() {
    // A mapping with huge pages, of two sizes.
    let calls = [
        "9, 0, 2 << 20, 3, 0x40022, -1, 0",
        "9, 0, 1 << 30, 3, 0x40022 | 30 << 26, -1, 0",
    ];
    assert_refused(&calls, "EPERM").await;
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn calls_whose_arguments_no_filter_sees_are_absent() {
    // clone3, openat2, sched_setattr, io_uring_setup, io_setup, keyctl, add_key, shmget, mq_open, and a number beyond all known
    // calls.
    let calls = [
        "435, 0, 0",
        "437, -100, bytes(1), bytes(24), 24",
        "314, 0, bytes([48, 0, 0, 0, 3]) + bytes(43), 0",
        "425, 1, 0",
        "206, 1, ctypes.byref(ctypes.c_long())",
        "250, 0, 0",
        "248, 0, 0, 0, 0, 0",
        "29, 0, 4096, 0o1600",
        "240, 0, 0, 0, 0",
        "600",
    ];
    assert_refused(&calls, "ENOSYS").await;
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn calls_that_administer_the_machine_are_refused() {
    // bpf, perf_event_open, userfaultfd, open_by_handle_at, init_module, reboot, swapon, acct, syslog, settimeofday,
    // fanotify_init, iopl, kexec_load, personality with a bit that weakens, sethostname.
    let calls = [
        "321, 0, 0, 0",
        "298, 0, 0, 0, 0, 0",
        "323, 0",
        "304, 0, 0, 0",
        "175, 0, 0, 0",
        "169, 0, 0, 0, 0",
        "167, 0, 0",
        "163, 0",
        "103, 2, 0, 0",
        "164, 0, 0",
        "300, 0, 0",
        "172, 3",
        "246, 0, 0, 0, 0",
        "135, 0x400000",
        "170, 0, 0",
    ];
    assert_refused(&calls, "EPERM").await;
}

/// With one of these a killed process would be given no time to end.
#[tokio::test]
async fn no_program_can_have_less_time_than_others() {
    let code = "import ctypes, errno, os\n\
        before = os.getpriority(os.PRIO_PROCESS, 0)\n\
        for policy in (os.SCHED_BATCH, os.SCHED_IDLE, os.SCHED_IDLE | os.SCHED_RESET_ON_FORK):\n\
        \x20   try: os.sched_setscheduler(0, policy, os.sched_param(0)); print('set')\n\
        \x20   except OSError as e: print(errno.errorcode[e.errno])\n\
        os.nice(19)\n\
        os.setpriority(os.PRIO_PGRP, 0, 10)\n\
        print(os.getpriority(os.PRIO_PROCESS, 0) - before, os.sched_getscheduler(0))\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        print(libc.prctl(62, 1, 0, 0, 0), errno.errorcode[ctypes.get_errno()])";
    assert_prints("python", code, "EPERM\nEPERM\nEPERM\n0 0\n-1 EPERM\n").await;
}

#[tokio::test]
async fn usual_priorities_and_processors_can_be_chosen() {
    let code = "import os\n\
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))\n\
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))\n\
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))\n\
        os.sched_setaffinity(0, os.sched_getaffinity(0))\n\
        print('set', os.system('nice -n 5 true'))";
    assert_prints("python", code, "set 0\n").await;
}

#[tokio::test]
async fn no_file_is_read_past_the_page_cache() {
    let code = "import errno, fcntl, os\n\
        def opens(path, flags):\n\
        \x20   try: return os.open(path, flags)\n\
        \x20   except OSError as e: print(errno.errorcode[e.errno])\n\
        opens('/usr/bin/env', os.O_RDONLY | os.O_DIRECT)\n\
        opens('/box/x', os.O_RDWR | os.O_CREAT | os.O_DIRECT)\n\
        file = opens('/usr/bin/env', os.O_RDONLY)\n\
        try: fcntl.fcntl(file, fcntl.F_SETFL, os.O_DIRECT)\n\
        except OSError as e: print(errno.errorcode[e.errno])\n\
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_NONBLOCK)";
    assert_prints("python", code, "EINVAL\nEINVAL\nEINVAL\n").await;
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn pages_of_shared_files_are_neither_dropped_nor_probed() {
    // A mapping shows which pages of a file are in memory only to those who may write it.
    let code = format!(
        "{CALL}import mmap, os\n\
        with open('/box/own', 'w+b') as own:\n\
        \x20   own.write(bytes(4096)); own.flush()\n\
        \x20   print(os.preadv(own.fileno(), [bytearray(4096)], 0))\n\
        shared = os.open('/usr/bin/env', os.O_RDONLY)\n\
        try: os.preadv(shared, [bytearray(1)], 0, os.RWF_NOWAIT); print('probed')\n\
        except OSError as e: print(errno.errorcode[e.errno])\n\
        # A call that is made finds that there is no such file.\n\
        os.sync(); print('dropped', call(221, -1, 0, 0, 4), 'wanted', call(221, -1, 0, 0, 3), 'written', call(306, -1))\n\
        for family in (2, 30, 40): print(call(53, family, 1, 0, 0))"
    );
    let expected =
        "4096\nEINVAL\ndropped allowed wanted EBADF written allowed\nEPERM\nEPERM\nEPERM\n";
    assert_prints("python", &code, expected).await;
}

#[tokio::test]
async fn a_shared_file_cannot_be_leased() {
    let code = "import errno, fcntl\n\
        for command, argument in ((1024, 1), (1026, 1)):\n\
        \x20   try: fcntl.fcntl(open('/usr/bin/env'), command, argument); print('held')\n\
        \x20   except OSError as e: print(errno.errorcode[e.errno])";
    assert_prints("python", code, "EPERM\nEPERM\n").await;
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn a_call_of_another_architecture_kills_the_program() {
    let sandbox = TestSandbox::start().await;
    // getpid by the 32-bit gate, and by the x32 numbers.
    for call in [
        "long r; __asm__ volatile(\"int $0x80\" : \"=a\"(r) : \"a\"(20L)); return 0;",
        "syscall(0x40000000 + 39); return 0;",
    ] {
        let code =
            format!("#include <unistd.h>\nlong syscall(long, ...);\nint main(void) {{ {call} }}");
        let ran = sandbox.run("c", &code).await;
        let expected = ExitStatus::Signaled(Signal::from_number(31));
        assert_eq!(ran.report.exit_status, Some(expected), "{call}");
        assert_eq!(ran.report.verdict, Verdict::SecurityViolation);
    }
}

#[tokio::test]
async fn no_capability_is_left() {
    let code = "grep -c -E 'Cap(Inh|Prm|Eff|Bnd|Amb):\\s0000000000000000' /proc/self/status";
    assert_prints("bash", code, "5\n").await;
}

#[tokio::test]
async fn threads_and_child_processes_work() {
    let code = "import multiprocessing, subprocess, threading\n\
        t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n\
        print(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout, end='')\n\
        with multiprocessing.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, -2]))";
    assert_prints("python", code, "thread\nchild\n[1, 2]\n").await;
}

#[tokio::test]
async fn shared_files_can_be_neither_watched_nor_locked() {
    let code = "import ctypes, errno, fcntl\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        print(libc.inotify_init(), errno.errorcode[ctypes.get_errno()])\n\
        try: fcntl.flock(open('/usr/bin/env'), fcntl.LOCK_EX)\n\
        except OSError as error: print(errno.errorcode[error.errno])\n";
    assert_prints("python", code, "-1 ENOSYS\nEPERM\n").await;
}
