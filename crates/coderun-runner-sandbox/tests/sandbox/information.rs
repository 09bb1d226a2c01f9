//! Tests what programs learn about the machine and about other programs.

use crate::support::{TestSandbox, assert_prints, run};

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
        print([p for p in ('/root', '/home', '/var', '/sys', '/run', '/etc/shadow', '/proc/kcore', '/proc/keys', '/proc/kmsg', '/proc/cmdline', '/proc/sys') if os.path.exists(p)])";
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
