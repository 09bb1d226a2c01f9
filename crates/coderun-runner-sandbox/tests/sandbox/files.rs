//! Tests programs that fill, break or leave the file system.

use std::fs;
use std::os::unix::fs::MetadataExt;

use coderun_conformance::code_runner::Program;
use coderun_domain::{DraftFile, ExitStatus, Signal, Verdict};

use crate::support::{TestSandbox, assert_prints, launcher_after, program, run, run_program};

#[tokio::test]
async fn a_file_cannot_grow_beyond_its_limit() {
    let ran = run("bash", "exec cat /dev/zero > endless").await;
    let expected = ExitStatus::Signaled(Signal::from_number(25));
    assert_eq!(ran.report.exit_status, Some(expected));
    assert_eq!(ran.report.verdict, Verdict::RuntimeError);
}

#[tokio::test]
async fn a_sparse_file_cannot_grow_beyond_its_limit() {
    let code = "import errno\n\
        try: open('sparse', 'wb').truncate(1 << 40)\nexcept OSError as e: print(errno.errorcode[e.errno])";
    assert_prints("python", code, "EFBIG\n").await;
}

#[tokio::test]
async fn the_number_of_files_is_bounded() {
    let code = "import errno\nn = 0\ntry:\n    while True: open(f'/tmp/{n}', 'w').close(); n += 1\n\
        except OSError as e: print(errno.errorcode[e.errno], n < 5000)";
    assert_prints("python", code, "ENOSPC True\n").await;
}

#[tokio::test]
async fn a_deep_tree_and_locked_folders_are_cleaned_up() {
    let code = "import os\nfor _ in range(2000): os.mkdir('d'); os.chdir('d')\n\
        os.mkdir('/box/locked'); open('/box/locked/f', 'w').close(); os.chmod('/box/locked', 0)\nprint('deep')";
    assert_prints("python", code, "deep\n").await;
}

#[tokio::test]
async fn the_machine_cannot_be_written_to() {
    let code = "import errno\n\
        for path in ('/x', '/usr/x', '/usr/bin/env', '/etc/passwd', '/proc/self/comm', '/dev/x', '/proc/sys/kernel/core_pattern', '/sys/x'):\n\
        \x20   try: open(path, 'w'); print('wrote', path)\n\
        \x20   except OSError as e: print(errno.errorcode[e.errno] in ('EROFS', 'EACCES', 'ENOENT'))";
    assert_prints("python", code, &"True\n".repeat(8)).await;
}

#[tokio::test]
async fn devices_can_be_used_and_their_files_not_changed() {
    let touched = || fs::metadata("/dev/null").unwrap().mtime();
    let before = touched();
    let code = "import errno, os\n\
        for device in ('null', 'zero', 'full', 'random', 'urandom'):\n\
        \x20   try: os.utime(f'/dev/{device}'); print('changed', device)\n\
        \x20   except OSError as e: print(errno.errorcode[e.errno])\n\
        open('/dev/null', 'w').write('x'); open('/dev/null', 'a').write('x'); os.system('echo x > /dev/null')\n\
        print(os.access('/dev/null', os.W_OK), open('/dev/null').read(), open('/dev/zero', 'rb').read(2), len(os.urandom(3)))\n\
        try: open('/dev/full', 'wb', 0).write(b'x')\nexcept OSError as e: print(errno.errorcode[e.errno])\n\
        print(len(open('/dev/urandom', 'r+b', 0).read(4)))";
    let expected = "EROFS\n".repeat(5) + "True  b'\\x00\\x00' 3\nENOSPC\n4\n";
    assert_prints("python", code, &expected).await;
    assert_eq!(touched(), before);
}

const PRINT_WRITABLE_MOUNTS: &str =
    "awk '$6 ~ /^rw/ { print $5 }' /proc/self/mountinfo | sort | tr '\\n' ' '";
const WRITABLE_MOUNTS: &str = "/box /dev/shm /tmp ";

#[tokio::test]
async fn only_the_programs_own_folders_are_mounted_for_writing() {
    assert_prints("bash", PRINT_WRITABLE_MOUNTS, WRITABLE_MOUNTS).await;
}

#[tokio::test]
async fn mounts_below_the_systems_folders_are_read_only_too() {
    let is_root = rustix::process::geteuid().is_root();
    let namespaces = if is_root { "-m" } else { "-rm" };
    let (_folder, script) = launcher_after(namespaces, "mount -t tmpfs tmpfs /usr/share");
    let sandbox = TestSandbox::with(|config| config.launcher = script).await;
    let ran = sandbox.run("bash", PRINT_WRITABLE_MOUNTS).await;
    assert_eq!(ran.stdout(), WRITABLE_MOUNTS, "{}", ran.stderr());
}

#[tokio::test]
async fn libraries_find_fonts_times_and_names() {
    let code = "fc-list | grep -q . && echo fonts\nfc-match sans > /dev/null\n\
        date -d @0 +%Z; TZ=Asia/Tokyo date -d @0 +%H\ngrep -c ^NAME= /etc/os-release\n\
        [ -w $HOME ] && [ -w $TMPDIR ] && getent passwd $USER && getent hosts localhost && getent services http";
    let expected = "fonts\nUTC\n09\n1\nsandbox:x:1000:1000:sandbox:/box:/bin/sh\n\
        ::1             localhost\nhttp                  80/tcp\n";
    let ran = run("bash", code).await;
    assert_eq!((ran.stdout(), &*ran.stderr()), (expected, ""));
    let code = "import getpass, locale, os, pathlib, socket, time, zoneinfo\n\
        print(getpass.getuser(), pathlib.Path.home(), locale.getlocale()[1], time.tzname)\n\
        print(zoneinfo.ZoneInfo('Europe/Berlin'), os.path.realpath('/etc/localtime') == '/usr/share/zoneinfo/Etc/UTC')\n\
        print(socket.getservbyname('https'), socket.getprotobyname('tcp'), socket.gethostbyname('sandbox'))";
    let expected = "sandbox /box UTF-8 ('UTC', 'UTC')\nEurope/Berlin True\n443 6 127.0.0.1\n";
    assert_prints("python", code, expected).await;
}

#[tokio::test]
async fn a_set_user_id_program_grants_no_privileges() {
    let sandbox = TestSandbox::start().await;
    let code = "import os, shutil\nshutil.copy('/usr/bin/id', '/box/id')\nos.chmod('/box/id', 0o6755)\n\
        os.execv('/box/id', ['id', '-u'])";
    assert_eq!(sandbox.run("python", code).await.stdout(), "1000\n");
    let code = "grep -c 'NoNewPrivs:\t1' /proc/self/status; grep -vc nosuid /proc/self/mountinfo";
    assert_eq!(sandbox.run("bash", code).await.stdout(), "1\n0\n");
}

#[tokio::test]
async fn no_core_is_dumped() {
    let code = "bash -c 'kill -QUIT $$'; ls /box";
    assert_prints("bash", code, "main.sh\n").await;
}

#[tokio::test]
async fn descriptors_are_bounded() {
    let code = "import errno, os\nn = 0\ntry:\n    while True: os.dup(0); n += 1\n\
        except OSError as e: print(errno.errorcode[e.errno], n <= 64)";
    assert_prints("python", code, "EMFILE True\n").await;
}

#[tokio::test]
async fn the_compiler_cannot_read_files_of_the_machine() {
    let ran = run("c", "#include \"/etc/shadow\"\nint main(void) {}").await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
    let compile = ran.report.compile.unwrap();
    let errors = String::from_utf8_lossy(compile.error_output.bytes()).into_owned();
    assert!(errors.contains("No such file or directory"), "{errors}");
}

/// A program with an initialised array of this many bytes, of which it prints the first. Programs may write 4 MiB a file.
fn initialised_array(language: &str, bytes: u64) -> Program {
    let code = format!(
        "#include <stdio.h>\nchar table[{bytes}] = {{1}};\nint main(void) {{ printf(\"%d\\n\", table[0]); }}\n"
    );
    program(
        language,
        &code.replace("(void)", if language == "cpp" { "()" } else { "(void)" }),
    )
}

#[tokio::test]
async fn the_compilers_files_may_be_larger_than_the_programs() {
    let sandbox = TestSandbox::start().await;
    for language in ["c", "cpp"] {
        // The program itself is larger than all files that it may write.
        let ran = sandbox
            .run_program(initialised_array(language, 20 << 20))
            .await;
        assert_eq!(ran.stdout(), "1\n", "{:?}", ran.report);
    }
    // It still may not write a file as large as that of its compiler, nor fill more than its own limit.
    let code = "#include <stdio.h>\nchar table[8 << 20] = {1};\nint main(void) {\n\
        FILE *file = fopen(\"large\", \"w\"); return fwrite(table, sizeof table, 1, file) == 1; }";
    let ran = sandbox.run("c", code).await;
    let expected = ExitStatus::Signaled(Signal::from_number(25));
    assert_eq!(ran.report.exit_status, Some(expected));
}

#[tokio::test]
async fn a_compiler_that_meets_the_limit_of_its_files_says_so() {
    let ran = run_program(initialised_array("c", 65 << 20)).await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
    let compile = ran.report.compile.unwrap();
    let errors = String::from_utf8_lossy(compile.error_output.bytes()).into_owned();
    assert!(
        errors.ends_with(
            "The compiler may write a file of at most 64 MiB, initialised arrays included.\n"
        ),
        "{errors}"
    );
    assert!(!errors.contains("internal compiler error"), "{errors}");
}

#[tokio::test]
async fn a_folder_in_place_of_the_program_is_a_compile_error() {
    // The path of the built program is a folder.
    let mut program = program("c", "int main(void) {}");
    program.draft.files = vec![DraftFile::new("main/file", "x")];
    let verdict = run_program(program).await.report.verdict;
    assert_eq!(verdict, Verdict::CompileError);
}
