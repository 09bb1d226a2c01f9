//! Tests what happens when the service or its launcher dies, hangs or misses something.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use coderun_conformance::slowness;
use coderun_domain::{CodeRunner, Verdict};
use coderun_runner_sandbox::ControlGroups;
use rustix::process::Signal;

use crate::support::{
    TestSandbox, assert_broken, assert_unavailable, children, control_groups_named,
    control_groups_of, eventually, is_alive, launchers, program, run, run_program, sleepers_of,
    until,
};

#[tokio::test]
async fn a_launcher_that_dies_takes_its_programs_along_and_is_replaced() {
    // With a control group the service kills them, too; without one only the kernel does.
    for control_groups in [ControlGroups::WhereUsable, ControlGroups::Never] {
        let sandbox = TestSandbox::with(|config| config.control_groups = control_groups).await;
        let program = program("bash", "sleep 1000");
        let (answer, running) = tokio::join!(sandbox.try_run(program), kill_launchers());
        assert_broken(&answer);
        eventually("the programs are gone", || {
            running.iter().all(|pid| !is_alive(*pid))
        });
        assert_eq!(sandbox.run("bash", "echo again").await.stdout(), "again\n");
    }
}

/// Kills the launchers of this test as soon as a program runs; returns those programs.
async fn kill_launchers() -> Vec<i32> {
    let own = std::process::id();
    until(|| !sleepers_of(own).is_empty()).await;
    let running = sleepers_of(own);
    signal_launchers(Signal::KILL);
    running
}

fn signal_launchers(signal: Signal) {
    for launcher in launchers() {
        let launcher = rustix::process::Pid::from_raw(launcher).unwrap();
        rustix::process::kill_process(launcher, signal).unwrap();
    }
}

/// Ctrl-C signals the process group of the service, and systemd all its processes. The service drains then.
#[tokio::test]
async fn signals_that_stop_a_service_leave_programs_running() {
    let sandbox = TestSandbox::start().await;
    let program = program("bash", "sleep 1 & wait && echo to the end");
    let (ran, ()) = tokio::join!(sandbox.run_program(program), async {
        until(|| !sleepers_of(std::process::id()).is_empty()).await;
        for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
            signal_launchers(signal);
        }
        for launcher in launchers() {
            let launcher = rustix::process::Pid::from_raw(launcher);
            let group = rustix::process::getpgid(launcher).unwrap();
            assert_eq!(Some(group), launcher, "Ctrl-C reaches the launcher");
        }
    });
    assert_eq!(ran.stdout(), "to the end\n");
}

/// Why the service wanted to kill a program that had begun is its verdict: the launcher costs it no attempt.
#[tokio::test]
async fn a_launcher_that_hangs_is_replaced() {
    let sandbox = TestSandbox::with(|config| config.slots = 3).await;
    let wall = Duration::from_secs(1) * slowness();
    let begun = program("bash", "sleep 1000").wall(wall);
    let (begun, ()) = tokio::join!(sandbox.run_program(begun), async {
        until(|| !sleepers_of(std::process::id()).is_empty()).await;
        signal_launchers(Signal::STOP);
        let program = program("bash", "echo never").wall(wall);
        assert_broken(&sandbox.try_run(program).await);
    });
    assert_eq!(begun.report.verdict, Verdict::TimeLimit);
    assert_eq!(sandbox.run("bash", "echo again").await.stdout(), "again\n");
}

/// Readiness and a worker may ask at the same time, of a sandbox with one slot: the second waits for the first.
#[tokio::test]
async fn concurrent_checks_agree() {
    let sandbox = TestSandbox::with(|config| config.slots = 1).await;
    let check = || sandbox.runner.check();
    let answers = tokio::join!(check(), check(), check(), check());
    assert!(
        matches!(answers, (Ok(()), Ok(()), Ok(()), Ok(()))),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_trial_that_does_not_end_does_not_prove_health() {
    let sandbox = TestSandbox::with(|config| config.slots = 1).await;
    assert!(sandbox.runner.check().await.is_ok());
    signal_launchers(Signal::STOP);
    // The sandbox before may still be taken down, and keeps the slot until then.
    let trial = || tokio::time::timeout(Duration::from_millis(100), sandbox.runner.check());
    while trial().await.is_ok() {
        tokio::task::yield_now().await;
    }
    let doubtful = sandbox.runner.check().await;
    assert_unavailable(&doubtful);
    signal_launchers(Signal::CONT);
    assert_eq!(sandbox.run("bash", "echo again").await.stdout(), "again\n");
    assert!(sandbox.runner.check().await.is_ok());
}

/// Set in the process that plays the service which is killed.
const IS_KILLED_SERVICE: &str = "CODERUN_TEST_IS_KILLED_SERVICE";

#[tokio::test]
async fn a_killed_service_takes_its_programs_along() {
    if std::env::var_os(IS_KILLED_SERVICE).is_some() {
        run_program(program("bash", "sleep 1000")).await;
        return;
    }
    let _first = first_in_this_group().await;
    let mut service = killed_service(Command::new(std::env::current_exe().unwrap()));
    let id = service.id();
    let programs = programs_of(id);
    // Once it is dead, any service that starts on this machine may remove them.
    let has_groups = TestSandbox::start().await.has_groups();
    assert_eq!(has_groups, !control_groups_of(id).is_empty());
    service.kill().unwrap();
    service.wait().unwrap();
    eventually("the program is gone", || {
        programs.iter().all(|pid| !is_alive(*pid))
    });
    let _next = TestSandbox::start().await;
    eventually("the next service has swept", || {
        control_groups_of(id).is_empty()
    });
}

/// A process namespace of its own is what a container has. The process ids in it say nothing outside.
#[tokio::test]
async fn a_service_of_another_process_namespace_keeps_its_groups_while_it_lives() {
    let _first = first_in_this_group().await;
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-current-user");
    }
    unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    unshare.arg(std::env::current_exe().unwrap());
    let mut outer = killed_service(unshare);
    let mut service = None;
    eventually("the service has started", || {
        service = children(i32::try_from(outer.id()).unwrap())
            .first()
            .copied();
        service.is_some()
    });
    let service = service.unwrap();
    let programs = programs_of(service.cast_unsigned());
    let namespace = fs::metadata(format!("/proc/{service}/ns/pid")).unwrap();
    let groups = || control_groups_named(&format!("coderun-{}-", namespace.ino()));
    assert!(!groups().is_empty());

    let _other = TestSandbox::start().await;
    assert!(programs.iter().all(|pid| is_alive(*pid)));
    assert!(!groups().is_empty());

    outer.kill().unwrap();
    outer.wait().unwrap();
    eventually("the program is gone", || {
        programs.iter().all(|pid| !is_alive(*pid))
    });
    let _next = TestSandbox::start().await;
    eventually("the groups are removed", || groups().is_empty());
}

/// Moves this process into a leaf of its group. Else a service that it starts would not be alone in the group.
async fn first_in_this_group() -> TestSandbox {
    TestSandbox::start().await
}

/// The paths of this process's control groups.
fn own_groups() -> String {
    fs::read_to_string("/proc/self/cgroup").unwrap()
}

/// What the kernel counts for a user, the programs of one service do not share with those of another.
#[tokio::test]
async fn programs_of_two_services_are_of_different_users() {
    let (one, other) = (TestSandbox::start().await, TestSandbox::start().await);
    let own = std::process::id();
    let user_of = |pid: &i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:\t"));
        user.unwrap().to_owned()
    };
    let look = async {
        until(|| sleepers_of(own).len() == 2).await;
        let users: Vec<_> = sleepers_of(own).iter().map(user_of).collect();
        signal_launchers(Signal::KILL);
        users
    };
    let sleep = || program("bash", "exec sleep 1000");
    let (_, _, users) = tokio::join!(one.try_run(sleep()), other.try_run(sleep()), look);
    if rustix::process::geteuid().is_root() {
        assert_ne!(users[0], users[1]);
    } else {
        assert_eq!(users[0], users[1], "there is no other id");
    }
}

#[tokio::test]
async fn the_control_groups_of_the_service_are_left_as_they_were_found() {
    let before = own_groups();
    let (one, other) = (TestSandbox::start().await, TestSandbox::start().await);
    drop(one);
    assert_eq!(other.run("bash", "echo still").await.stdout(), "still\n");
    drop(other);
    assert_eq!(own_groups(), before);
    // The group can be used again only if nothing is delegated any more.
    assert_eq!(run("bash", "echo again").await.stdout(), "again\n");
    assert_eq!(own_groups(), before);
}

/// Starts the test above as a service that runs a program until it is killed.
fn killed_service(mut command: Command) -> Child {
    command
        .args([
            "--exact",
            "service::a_killed_service_takes_its_programs_along",
        ])
        .env(IS_KILLED_SERVICE, "yes")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until a service runs programs, and returns them.
fn programs_of(service: u32) -> Vec<i32> {
    let mut programs = Vec::new();
    eventually("the program runs", || {
        programs = sleepers_of(service);
        !programs.is_empty()
    });
    programs
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_program_is_served_among_hostile_ones() {
    let sandbox = Arc::new(TestSandbox::with(|config| config.slots = 4).await);
    let hostile = [
        "while true; do :; done",
        "exec yes",
        "sleep 1000",
        ":(){ :|:; };:",
    ];
    let mut running = tokio::task::JoinSet::new();
    for code in hostile.iter().cycle().take(12) {
        let (sandbox, code) = (Arc::clone(&sandbox), (*code).to_owned());
        running.spawn(async move {
            let program = program("bash", &code)
                .cpu(Duration::from_millis(300))
                .wall(Duration::from_millis(600));
            sandbox.run_program(program).await.report.verdict
        });
    }
    assert_eq!(
        sandbox.run("bash", "echo honest").await.stdout(),
        "honest\n"
    );
    while let Some(verdict) = running.join_next().await {
        assert_ne!(verdict.unwrap(), Verdict::Accepted);
    }
}

#[tokio::test]
async fn without_control_groups_limits_still_hold_and_are_reported_as_weaker() {
    let sandbox = TestSandbox::with(|config| config.control_groups = ControlGroups::Never).await;
    let hog = sandbox
        .run(
            "python",
            "kept = []\nwhile True: kept.append(bytearray(1 << 20))",
        )
        .await;
    assert_ne!(hog.report.verdict, Verdict::Accepted);
    let program = program("python", "while True: pass").cpu(Duration::from_millis(300));
    let busy = sandbox.run_program(program).await;
    assert_eq!(busy.report.verdict, Verdict::TimeLimit);
    let mechanism = busy.report.enforcement.memory.unwrap();
    assert!(mechanism.contains("approximate"), "{mechanism}");
    let many = sandbox
        .run("bash", "for i in $(seq 40); do sleep 2 & done; wait")
        .await;
    assert_ne!(many.report.verdict, Verdict::Accepted);
}
