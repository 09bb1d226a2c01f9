//! Tests that no language is offered that does not run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use coderun_conformance::code_runner::closed_io;
use coderun_conformance::slowness;
use coderun_domain::testing::submission_policy;
use coderun_domain::{CodeRunner, RunnerError};
use coderun_languages::LanguageTable;
use coderun_runner_sandbox::LanguageChecks;
use tempfile::TempDir;

use crate::support::{SOON, TestSandbox, assert_unavailable, program, until};

fn checks() -> LanguageChecks {
    LanguageChecks {
        policy: submission_policy(),
        interval: Duration::from_hours(1),
    }
}

/// A language that `tool` runs.
fn entry(name: &str, tool: &Path, example: &str) -> String {
    format!(
        "[{name}]\nfile = \"main.sh\"\nexample = '''\n{example}\n'''\ntools = ['{}']\nversion = [\"--version\"]\n\
         run = [\"{{tool}}\", \"{{file}}\"]\n",
        tool.display()
    )
}

fn table(languages: &str) -> LanguageTable {
    LanguageTable::with_file(languages).unwrap()
}

/// A sandbox with these languages beside Bash, checked once.
async fn sandbox_with(languages: &str) -> TestSandbox {
    let tools = only_bash();
    let sandbox = TestSandbox::with(|config| {
        config.languages = table(languages);
        config.language_checks = Some(checks());
        config.search_path = vec![tools.path().to_owned()];
    });
    let sandbox = sandbox.await;
    sandbox.runner.languages_checked().await;
    sandbox
}

fn is_offered(sandbox: &TestSandbox, name: &str) -> bool {
    let languages = sandbox.runner.languages();
    languages.iter().any(|spec| spec.language.as_str() == name)
}

/// Why languages are not offered.
fn reasons(sandbox: &TestSandbox) -> String {
    let unavailable = sandbox.runner.unavailable_languages().unwrap();
    let reasons: Vec<_> = unavailable.iter().map(ToString::to_string).collect();
    reasons.join("; ")
}

/// A folder that sandboxes show if a tool lies in it: they have no folder of their own above it.
fn folder_of_tools() -> TempDir {
    tempfile::tempdir_in("/var/tmp").unwrap()
}

/// A folder with Bash alone, so that only few languages are checked.
fn only_bash() -> TempDir {
    let folder = folder_of_tools();
    std::os::unix::fs::symlink("/bin/bash", folder.path().join("bash")).unwrap();
    folder
}

fn write_tool(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

async fn in_time(condition: impl Fn() -> bool) {
    let done = tokio::time::timeout(SOON * slowness(), until(condition)).await;
    assert!(done.is_ok(), "not in time");
}

#[tokio::test]
async fn a_language_whose_example_runs_is_offered() {
    let sandbox = TestSandbox::with(|config| config.language_checks = Some(checks())).await;
    sandbox.runner.languages_checked().await;
    assert_eq!(reasons(&sandbox), "");
    for name in ["python", "bash", "c"] {
        assert!(is_offered(&sandbox, name), "{name}");
    }
}

#[tokio::test]
async fn a_language_that_fails_is_not_offered_and_the_reason_is_told() {
    let folder = folder_of_tools();
    let hidden_folder = folder_of_tools();
    let (hidden, wrapper) = (
        hidden_folder.path().join("hidden"),
        folder.path().join("wrapper"),
    );
    write_tool(&hidden, "exec bash \"$@\"");
    write_tool(&wrapper, &format!("exec {} \"$@\"", hidden.display()));
    let bash = Path::new("bash");
    let languages = [
        entry("mute", bash, "echo something else"),
        entry(
            "greedy",
            bash,
            "x=$(head -c 99000000 /dev/zero | tr '\\0' x); echo ${#x}",
        ) + "limits.default.memory_mib = 16\n",
        entry("slow", bash, "while :; do :; done") + "limits.default.cpu_time_ms = 100\n",
        entry("wrapped", &wrapper, "echo Hello, World!"),
        entry("failing", bash, "echo no such thing >&2; exit 3"),
    ];
    let languages = languages.concat();
    let sandbox = sandbox_with(&languages).await;
    let reasons = reasons(&sandbox);
    for (name, reason) in [
        (
            "mute",
            "its example printed `something else`, not `Hello, World!`",
        ),
        (
            "greedy",
            "its example failed: Memory limit of 16 MiB exceeded",
        ),
        (
            "slow",
            "its example failed: CPU time limit of 0.1 s exceeded",
        ),
        ("wrapped", "No such file or directory"),
        (
            "failing",
            "its example failed: The program exited with code 3 (no such thing)",
        ),
    ] {
        let of_language = reasons.split("; ").find(|it| it.starts_with(name));
        let of_language = of_language.unwrap_or_else(|| panic!("{name} is not in {reasons}"));
        assert!(of_language.contains(reason), "{of_language}");
        assert!(!is_offered(&sandbox, name), "{name}");
    }
    assert!(is_offered(&sandbox, "bash"));
    let unchecked = TestSandbox::with(|config| config.languages = table(&languages)).await;
    let request = program("mute", "x").request(&*unchecked.runner, 1);
    let refused = sandbox.runner.run(request, &mut closed_io().0).await;
    let is_refused = matches!(refused, Err(RunnerError::Unsupported { .. }));
    assert!(is_refused, "{refused:?}");
}

#[tokio::test]
async fn a_tool_that_has_changed_is_checked_again() {
    let folder = folder_of_tools();
    let tool = folder.path().join("tool");
    write_tool(&tool, "exec bash \"$@\"");
    let sandbox = sandbox_with(&entry("own", &tool, "echo Hello, World!")).await;
    assert!(is_offered(&sandbox, "own"), "{}", reasons(&sandbox));
    write_tool(&tool, "exit 1");
    in_time(|| !is_offered(&sandbox, "own")).await;
    assert!(
        reasons(&sandbox).contains("exited with code 1"),
        "{}",
        reasons(&sandbox)
    );
}

/// Without its right to be executed the tool has the same size, time and number as before.
#[tokio::test]
async fn a_language_is_checked_again_after_the_service_failed_to_run_it() {
    let folder = folder_of_tools();
    let tool = folder.path().join("tool");
    write_tool(&tool, "exec bash \"$@\"");
    let sandbox = sandbox_with(&entry("own", &tool, "echo Hello, World!")).await;
    assert!(is_offered(&sandbox, "own"), "{}", reasons(&sandbox));
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o644)).unwrap();
    assert_unavailable(&sandbox.try_run(program("own", "echo")).await);
    in_time(|| !is_offered(&sandbox, "own")).await;
    let reasons = reasons(&sandbox);
    assert!(
        reasons.contains("cannot be started in the sandbox"),
        "{reasons}"
    );
    assert_eq!(sandbox.run("bash", "echo again").await.stdout(), "again\n");
}

/// The slots of a user's program are never taken by an example.
#[tokio::test]
async fn a_program_does_not_wait_for_an_example() {
    let slow = entry("slow", Path::new("bash"), "sleep 6; echo Hello, World!");
    let tools = only_bash();
    let sandbox = TestSandbox::with(|config| {
        config.languages = table(&slow);
        config.language_checks = Some(checks());
        config.search_path = vec![tools.path().to_owned()];
        config.slots = 1;
    });
    let sandbox = sandbox.await;
    in_time(|| is_offered(&sandbox, "bash")).await;
    assert!(
        !is_offered(&sandbox, "slow"),
        "the example has ended already"
    );
    assert_eq!(sandbox.run("bash", "echo first").await.stdout(), "first\n");
    assert!(
        !is_offered(&sandbox, "slow"),
        "the program waited for the example"
    );
    sandbox.runner.languages_checked().await;
    assert!(is_offered(&sandbox, "slow"), "{}", reasons(&sandbox));
}

#[tokio::test]
async fn a_tool_that_is_installed_later_is_found_although_it_is_outside_of_the_systems_folders() {
    let (folder, tools) = (folder_of_tools(), only_bash());
    let tool = folder.path().join("tool");
    let sandbox = TestSandbox::with(|config| {
        config.languages = table(&entry("own", &tool, "echo Hello, World!"));
        config.search_path = vec![tools.path().to_owned()];
        config.language_checks = Some(LanguageChecks {
            interval: Duration::from_secs(1),
            ..checks()
        });
    });
    let sandbox = sandbox.await;
    in_time(|| is_offered(&sandbox, "bash")).await;
    assert!(
        reasons(&sandbox).contains("own does not run: a tool is missing"),
        "{}",
        reasons(&sandbox)
    );
    write_tool(&tool, "exec bash \"$@\"");
    in_time(|| is_offered(&sandbox, "own")).await;
    let ran = sandbox.run("own", "echo found").await;
    assert_eq!(ran.stdout(), "found\n", "{}", ran.stderr());
    assert_eq!(reasons(&sandbox), "");
}
