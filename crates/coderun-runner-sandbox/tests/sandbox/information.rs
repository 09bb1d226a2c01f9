//! Tests what programs learn about the machine and about other programs.

use std::collections::BTreeSet;
use std::num::NonZero;

use coderun_conformance::code_runner::Program;
use coderun_domain::ByteSize;
use coderun_languages::LanguageTable;
use rstest::rstest;

use crate::programs::{told, with_default_limits};
use crate::support::{
    TestSandbox, assert_prints, launcher_after, launchers, program, run, run_program,
};

#[tokio::test]
async fn only_the_programs_own_processes_are_in_sight() {
    let code = "import os\nprint([p for p in os.listdir('/proc') if p.isdigit()] == [str(os.getpid())])\n\
        for path in ('/proc/1/environ', '/proc/1/maps', '/proc/1/fd'):\n\
        \x20   try: os.stat(path) and print('seen', path)\n    except OSError: print('no')";
    assert_prints("python", code, "True\nno\nno\nno\n").await;
}

#[tokio::test]
async fn the_machines_files_are_not_in_sight() {
    let sandbox = TestSandbox::start().await;
    let code = "import os\nprint(sorted(os.listdir('/')))\nprint(sorted(os.listdir('/etc')))\n\
        print([p for p in ('/root', '/home', '/var', '/run', '/etc/shadow') if os.path.exists(p)])";
    let ran = sandbox.run("python", code).await;
    let mut lines = ran.stdout().lines();
    let root = lines.next().unwrap();
    for expected in ["'box'", "'dev'", "'etc'", "'proc'", "'tmp'", "'usr'"] {
        assert!(root.contains(expected), "{root}");
    }
    let settings = lines.next().unwrap();
    assert!(!settings.contains("shadow"), "{settings}");
    assert_eq!(lines.next(), Some("[]"));
}

#[tokio::test]
async fn the_launcher_sees_no_more_than_its_sandboxes() {
    let sandbox = TestSandbox::start().await;
    let seen = sandbox.run("bash", "ls /").await;
    let root = format!("/proc/{}/root", launchers()[0]);
    let names = |folder: &str| {
        let entries = std::fs::read_dir(format!("{root}{folder}")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>()
    };
    let in_sandbox = seen.stdout().lines().map(str::to_owned);
    assert_eq!(names("/"), in_sandbox.collect());
    let mut processes = names("/proc").into_iter();
    assert!(!processes.any(|name| name.starts_with(|first: char| first.is_ascii_digit())));
}

#[tokio::test]
async fn the_kernels_files_tell_of_the_run_alone() {
    let sandbox = TestSandbox::start().await;
    // All that is in `/proc` beside processes, and can be read: folders are empty, and no file tells of more than the kernel.
    let code = "import os\nkernel = 'config.gz consoles crypto devices dma execdomains filesystems misc version'.split()\n\
        for name in sorted(os.listdir('/proc')):\n\
        \x20   path = f'/proc/{name}'\n\
        \x20   if name.isdigit() or name in kernel or os.path.islink(path): continue\n\
        \x20   if os.path.isdir(path): assert os.listdir(path) == [], path; continue\n\
        \x20   try: open(path).close(); print(name)\n    except PermissionError: pass\n\
        print(sorted(os.listdir('/sys/devices/system/cpu')), os.listdir('/sys'), os.listdir('/sys/devices/system'))";
    let expected = "cpuinfo\nloadavg\nmeminfo\nstat\nuptime\n\
        ['online', 'possible', 'present'] ['devices'] ['cpu']\n";
    assert_eq!(sandbox.run("python", code).await.stdout(), expected);
    // Neither a new mount nor a change of rights uncovers them, by any path.
    let code = "import os, stat\n\
        for path in ('/proc/keys', '/proc/self/root/proc/keys', '/proc/thread-self/root/proc/kcore', '/proc/meminfo'):\n\
        \x20   for ask in (lambda: os.chmod(path, 0o777), lambda: open(path, 'r+'), lambda: os.unlink(path), lambda: os.link(path, '/tmp/x')):\n\
        \x20       try: ask(); print('done', path)\n        except OSError: pass\n\
        print('end')";
    assert_eq!(sandbox.run("python", code).await.stdout(), "end\n");
    // The call that could be told not to cross into the mount that covers a file is not there.
    let code = "import ctypes, errno, os\nlibc = ctypes.CDLL(None, use_errno=True)\n\
        how = (ctypes.c_uint64 * 3)(0, 0, 1)\nproc = os.open('/proc', os.O_RDONLY)\n\
        for name in (b'keys', b'cmdline', b'meminfo', b'sys'):\n\
        \x20   print(libc.syscall(437, proc, name, ctypes.byref(how), 24), errno.errorcode[ctypes.get_errno()])";
    assert_eq!(
        sandbox.run("python", code).await.stdout(),
        "-1 ENOSYS\n".repeat(4)
    );
}

/// A container engine may cover a file of `/proc` by one that nobody may read. In the sandbox's own `/proc` it is open.
#[tokio::test]
async fn a_file_that_is_covered_on_the_machine_is_covered_in_the_sandbox() {
    let is_root = rustix::process::geteuid().is_root();
    let namespaces = if is_root { "-m" } else { "-rm" };
    let cover =
        "touch /dev/shm/cover; chmod 0 /dev/shm/cover; mount --bind /dev/shm/cover /proc/cmdline";
    let cover = format!("mount -t tmpfs tmpfs /dev/shm; {cover}; umount /dev/shm");
    let (_folder, script) = launcher_after(namespaces, &cover);
    let sandbox = TestSandbox::with(|config| config.launcher = script).await;
    let ran = sandbox
        .run("bash", "cat /proc/cmdline; stat -c %s,%a /proc/cmdline")
        .await;
    assert_eq!(ran.stdout(), "0,0\n", "{}", ran.stderr());
}

#[tokio::test]
async fn tools_that_ask_about_the_machine_tell_of_the_run() {
    let sandbox = TestSandbox::start().await;
    // The limit is 64 MiB. Each column is cut to what does not depend on the machine.
    let code = "[ $(nproc) = $(grep -c ^processor /proc/cpuinfo) ] && [ $(nproc --all) = $(grep -c ^cpu[0-9] /proc/stat) ] && echo processors\n\
        free -m | awk '/Mem/ { print $2, $7 }'\n\
        uptime | sed s/users/user/ | grep -o 'up 0 min.*'\n\
        ps aux > processes; awk '{ print $1, $11 }' processes\n\
        lscpu | grep -c '^CPU(s): *'$(nproc)'$'";
    let expected = "processors\n64 64\nup 0 min,  0 user,  load average: 0.00, 0.00, 0.00\n\
        USER COMMAND\nsandbox /usr/bin/bash\nsandbox ps\n1\n";
    let ran = sandbox.run("bash", code).await;
    assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
    let code = "import os, time\nprint(os.cpu_count() == len(os.sched_getaffinity(0)) == os.sysconf('SC_NPROCESSORS_CONF'))\n\
        print([time.clock_gettime(clock) < 30 for clock in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC_RAW)])\n\
        born = int(open('/proc/self/stat').read().rsplit(') ')[1].split()[19]) / 100\n\
        print(born < 30, abs(time.time() - int(open('/proc/stat').read().split('btime ')[1].split()[0])) < 30)";
    let ran = sandbox.run("python", code).await;
    assert_eq!(ran.stdout(), "True\n[True, True, True]\nTrue True\n");
    let code = "const os = require('os');\n\
        console.log(os.cpus().length === os.availableParallelism(), os.totalmem(), os.uptime() < 30, os.loadavg());";
    let ran = sandbox.run("javascript", code).await;
    assert_eq!(ran.stdout(), "true 67108864 true [ 0, 0, 0 ]\n");
}

/// Runtimes start as many threads as they count processors.
#[rstest]
#[case::tools(
    "bash",
    "nproc; getconf _NPROCESSORS_ONLN; grep -c ^processor /proc/cpuinfo"
)]
#[case::python(
    "python",
    "import os\nprint(os.cpu_count(), len(os.sched_getaffinity(0)))"
)]
#[case::node(
    "javascript",
    "const os = require('os'); console.log(os.cpus().length, os.availableParallelism());"
)]
#[case::go(
    "go",
    "package main\nimport \"runtime\"\nimport \"fmt\"\n\
    func main() { fmt.Println(runtime.NumCPU(), runtime.GOMAXPROCS(0)) }"
)]
#[case::java(
    "java",
    "class Main { public static void main(String[] arguments) {\n\
    System.out.println(Runtime.getRuntime().availableProcessors()); } }"
)]
#[tokio::test]
async fn a_program_that_gets_one_processor_counts_one(#[case] language: &str, #[case] code: &str) {
    let sandbox = TestSandbox::with(|config| {
        config.languages = LanguageTable::built_in().only(&[language]);
        config.run_millicores = NonZero::new(500);
    })
    .await;
    let program = with_default_limits(Program::new(language, code));
    let ran = sandbox.run_program(program).await;
    let stdout = ran.stdout();
    let counted: Vec<_> = stdout.split_whitespace().collect();
    assert!(!counted.is_empty(), "{}", told(&ran));
    assert!(counted.iter().all(|count| *count == "1"), "{}", told(&ran));
}

#[tokio::test]
async fn a_cluster_has_a_worker_for_each_processor() {
    let code = "const cluster = require('cluster'), os = require('os');\n\
        if (cluster.isPrimary) for (const processor of os.cpus()) cluster.fork();\n\
        else { console.log('worker'); process.exit(); }";
    let program = Program {
        memory: ByteSize::from_mib(256),
        processes: 64,
        ..program("javascript", code)
    };
    let workers = std::thread::available_parallelism().unwrap().get();
    let ran = run_program(program).await;
    assert_eq!(ran.stdout(), "worker\n".repeat(workers), "{}", ran.stderr());
}

#[tokio::test]
async fn the_environment_is_what_the_sandbox_says() {
    let code = "import os\nprint(sorted(os.environ))";
    let expected = "['HOME', 'LANG', 'LC_ALL', 'PATH', 'PYTHONDONTWRITEBYTECODE', 'PYTHONUNBUFFERED', 'PYTHONUTF8', 'TMPDIR', 'USER']\n";
    assert_prints("python", code, expected).await;
}

#[tokio::test]
async fn three_descriptors_are_open_and_no_more() {
    // The fourth is the folder that is being listed.
    let code = "import os\nprint(os.listdir('/proc/self/fd'))";
    assert_prints("python", code, "['0', '1', '2', '3']\n").await;
}

#[tokio::test]
async fn the_interpreter_cannot_be_overwritten() {
    let code = "try: open('/proc/self/exe', 'r+b'); print('opened')\nexcept OSError: print('no')";
    assert_prints("python", code, "no\n").await;
}

#[tokio::test]
async fn control_groups_and_names_say_nothing_of_the_machine() {
    let code = "import os, socket\nprint(socket.gethostname())\n\
        print({line.strip().rsplit(':', 1)[1] for line in open('/proc/self/cgroup')})\n\
        print(os.getuid(), os.getgid(), os.getgroups())";
    let ran = run("python", code).await;
    let (name, rest) = ran.stdout().split_once('\n').unwrap();
    assert_eq!(name, "sandbox");
    assert!(rest.starts_with("{'/'}\n1000 1000 "), "{rest}");
}

#[tokio::test]
async fn a_run_sees_nothing_of_the_one_before() {
    let sandbox = TestSandbox::start().await;
    let leave = "import os\n\
        for folder in ('/box', '/tmp', '/dev/shm'): open(f'{folder}/secret', 'w').write('x')\n\
        if os.fork() == 0:\n    import socket, time\n    s = socket.socket(socket.AF_UNIX); s.bind('\\0secret'); s.listen()\n    time.sleep(100)";
    sandbox.run("python", leave).await;
    let look = "import os, socket\n\
        print([f for f in ('/box', '/tmp', '/dev/shm') if 'secret' in os.listdir(f)])\n\
        print(socket.socket(socket.AF_UNIX).connect_ex('\\0secret') != 0)";
    assert_eq!(sandbox.run("python", look).await.stdout(), "[]\nTrue\n");
}

#[tokio::test]
async fn the_working_folder_is_the_box() {
    let code = "pwd; cd ..; cd ../../..; pwd";
    assert_prints("bash", code, "/box\n/\n").await;
}
