//! Programs that fill, break or leave the file system.

use bytes::Bytes;
use coderun_domain::{Ending, Signal, Verdict};

use crate::support::{Program, TestSandbox};

#[tokio::test]
async fn a_file_cannot_grow_beyond_its_limit() {
    let sandbox = TestSandbox::start().await;
    let ran = sandbox.run("bash", "exec cat /dev/zero > endless").await;
    let expected = Ending::Signaled(Signal::from_number(25));
    assert_eq!(ran.report.ending, Some(expected));
    assert_eq!(ran.report.verdict, Verdict::RuntimeError);
    assert!(ran.report.hint.is_some());
}

#[tokio::test]
async fn a_sparse_file_cannot_either() {
    let sandbox = TestSandbox::start().await;
    let code = "import errno\n\
        try: open('sparse', 'wb').truncate(1 << 40)\nexcept OSError as e: print(errno.errorcode[e.errno])";
    assert_eq!(sandbox.run("python", code).await.stdout(), "EFBIG\n");
}

#[tokio::test]
async fn the_number_of_files_is_bounded() {
    let sandbox = TestSandbox::start().await;
    let code = "import errno\nn = 0\ntry:\n    while True: open(f'/tmp/{n}', 'w').close(); n += 1\n\
        except OSError as e: print(errno.errorcode[e.errno], n < 5000)";
    assert_eq!(sandbox.run("python", code).await.stdout(), "ENOSPC True\n");
}

#[tokio::test]
async fn a_deep_tree_and_locked_folders_are_cleaned_up() {
    let sandbox = TestSandbox::start().await;
    let code = "import os\nfor _ in range(2000): os.mkdir('d'); os.chdir('d')\n\
        os.mkdir('/box/locked'); open('/box/locked/f', 'w').close(); os.chmod('/box/locked', 0)\nprint('deep')";
    assert_eq!(sandbox.run("python", code).await.stdout(), "deep\n");
}

#[tokio::test]
async fn the_machine_cannot_be_written_to() {
    let sandbox = TestSandbox::start().await;
    let code = "import errno\n\
        for path in ('/x', '/usr/x', '/usr/bin/env', '/etc/passwd', '/proc/self/comm', '/dev/x', '/proc/sys/kernel/core_pattern', '/sys/x'):\n\
        \x20   try: open(path, 'w'); print('wrote', path)\n\
        \x20   except OSError as e: print(errno.errorcode[e.errno] in ('EROFS', 'EACCES', 'ENOENT'))";
    let ran = sandbox.run("python", code).await;
    assert_eq!(ran.stdout(), "True\n".repeat(8), "{}", ran.stderr());
}

#[tokio::test]
async fn only_the_programs_own_folders_are_mounted_for_writing() {
    let sandbox = TestSandbox::start().await;
    let code = "awk '$6 ~ /^rw/ { print $5 }' /proc/self/mountinfo | sort | tr '\\n' ' '";
    let expected = "/box /dev/full /dev/null /dev/random /dev/shm /dev/urandom /dev/zero /tmp ";
    assert_eq!(sandbox.run("bash", code).await.stdout(), expected);
}

#[tokio::test]
async fn a_set_user_id_program_gives_nothing() {
    let sandbox = TestSandbox::start().await;
    let code = "import os, shutil\nshutil.copy('/usr/bin/id', '/box/id')\nos.chmod('/box/id', 0o6755)\n\
        os.execv('/box/id', ['id', '-u'])";
    assert_eq!(sandbox.run("python", code).await.stdout(), "1000\n");
    let code = "grep -c 'NoNewPrivs:\t1' /proc/self/status; grep -vc nosuid /proc/self/mountinfo";
    assert_eq!(sandbox.run("bash", code).await.stdout(), "1\n0\n");
}

#[tokio::test]
async fn no_core_is_dumped() {
    let sandbox = TestSandbox::start().await;
    let code = "bash -c 'kill -QUIT $$'; ls /box";
    assert_eq!(sandbox.run("bash", code).await.stdout(), "main.sh\n");
}

#[tokio::test]
async fn descriptors_are_bounded() {
    let sandbox = TestSandbox::start().await;
    let code = "import errno, os\nn = 0\ntry:\n    while True: os.dup(0); n += 1\n\
        except OSError as e: print(errno.errorcode[e.errno], n <= 64)";
    assert_eq!(sandbox.run("python", code).await.stdout(), "EMFILE True\n");
}

#[tokio::test]
async fn submitted_files_lie_beside_the_code() {
    let sandbox = TestSandbox::start().await;
    let mut program = Program::new("python", "import pack.mod; print(open('data.txt').read())");
    program.draft.files = vec![
        ("data.txt".to_owned(), Bytes::from_static(b"data")),
        (
            "pack/mod.py".to_owned(),
            Bytes::from_static(b"print('mod')"),
        ),
    ];
    assert_eq!(sandbox.run_program(program).await.stdout(), "mod\ndata\n");
}

#[tokio::test]
async fn nothing_of_the_machine_is_compiled_in() {
    let sandbox = TestSandbox::start().await;
    let ran = sandbox
        .run("c", "#include \"/etc/shadow\"\nint main(void) {}")
        .await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
    let compile = ran.report.compile.unwrap();
    let said = String::from_utf8_lossy(compile.error_output.bytes()).into_owned();
    assert!(said.contains("No such file or directory"), "{said}");
}

#[tokio::test]
async fn a_folder_in_place_of_the_program_is_a_compile_error() {
    let sandbox = TestSandbox::start().await;
    // What lies at the program's place is a folder.
    let mut program = Program::new("c", "int main(void) {}");
    program.draft.files = vec![("main/file".to_owned(), Bytes::from_static(b"x"))];
    let ran = sandbox.run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
}
