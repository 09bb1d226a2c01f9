//! Tests what happens where the machine does not give the sandbox all that it needs.

use coderun_conformance::code_runner::closed_io;
use coderun_domain::{CodeRunner, RunnerError};
use coderun_runner_sandbox::{Control, ControlGroups};

use crate::support::{TestSandbox, assert_unavailable, launcher_after, program};

#[tokio::test]
async fn without_a_launcher_nothing_is_run() {
    let sandbox =
        TestSandbox::with(|config| config.launcher = "/nonexistent/launcher".into()).await;
    let answer = sandbox.runner.check().await;
    assert_unavailable(&answer);
}

/// As in a container whose root may not mount.
#[tokio::test]
async fn root_needs_no_right_to_mount() {
    let namespaces = if rustix::process::geteuid().is_root() {
        ""
    } else {
        "-r"
    };
    let launcher = env!("CARGO_BIN_EXE_coderun-sandbox-launcher");
    let drop_right = format!("exec setpriv --bounding-set=-sys_admin {launcher} \"$@\"");
    let (_folder, script) = launcher_after(namespaces, &drop_right);
    let sandbox = TestSandbox::with(|config| config.launcher = script).await;
    let ran = sandbox
        .run("bash", "id -u; echo x > /box/x && cat /box/x")
        .await;
    assert_eq!(ran.stdout(), "1000\nx\n", "{}", ran.stderr());
}

#[tokio::test]
async fn a_launcher_that_cannot_begin_says_why_and_the_next_may_be_able_to() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let mark = mark.display();
    let fail_once = format!("[ -e {mark} ] || {{ touch {mark}; ulimit -n 9; }}");
    let (_folder, script) = launcher_after("", &fail_once);
    let sandbox = TestSandbox::with(|config| config.launcher = script).await;
    let answer = sandbox.try_run(program("bash", "echo x")).await;
    let Err(RunnerError::Unavailable { reason, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert!(reason.contains("Too many open files"), "{reason}");
    assert_eq!(sandbox.run("bash", "echo x").await.stdout(), "x\n");
}

#[tokio::test]
async fn where_namespaces_are_forbidden_nothing_is_run_and_the_error_says_so() {
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces";
    let (_folder, script) = launcher_after("-r", forbid);
    let sandbox = TestSandbox::with(|config| config.launcher = script).await;
    let (mut io, mut client) = closed_io();
    let answer = program("bash", "echo x")
        .run_with(&*sandbox.runner, &mut io)
        .await;
    let Err(RunnerError::Unavailable { reason, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert!(reason.contains("could not create namespaces"), "{reason}");
    drop(io);
    assert_eq!(client.next_event().await, None);
}

#[tokio::test]
async fn a_required_control_that_is_missing_fails_closed() {
    let sandbox = TestSandbox::with(|config| {
        config.control_groups = ControlGroups::Never;
        config.required = vec![Control::Memory];
    })
    .await;
    let answer = sandbox.try_run(program("bash", "echo x")).await;
    assert_unavailable(&answer);
}
