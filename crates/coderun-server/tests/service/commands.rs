//! Tests the commands other than `serve`, and errors at the start.

use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

use crate::support::{Service, coderun, output, text, unused_address};

fn state() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The doctor without trials of all languages, which take a while.
fn doctor(state: &TempDir) -> Command {
    let mut doctor = coderun(state);
    doctor.arg("doctor").env("LANGUAGE_CHECK_SECONDS", "0");
    doctor
}

#[test]
fn the_doctor_reports_that_this_machine_works() {
    let printed = output(&mut doctor(&state()));
    let report = text(&printed.stdout);
    assert!(printed.status.success(), "{report}");
    for word in [
        "store",
        "queue",
        "runner",
        "limits",
        "languages",
        "MEMORY_BUDGET",
        "keys",
        "python",
        "cpp",
    ] {
        assert!(report.contains(word), "{word} is not in\n{report}");
    }
}

#[test]
fn check_config_prints_a_file_that_it_reads_again() {
    let state = state();
    let printed = output(coderun(&state).env("PORT", "4242").arg("check-config"));
    assert!(printed.status.success(), "{printed:?}");
    let file = state.path().join("settings.toml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let mut command = coderun(&state);
    let again = output(command.args(["check-config", "--config"]).arg(&file));
    assert_eq!(text(&again.stdout), text(&printed.stdout));
    assert!(text(&again.stdout).contains("port = \"4242\""));
}

#[rstest]
#[case::planned("serve", "PISTON_URL", "http://piston:2000", "`PISTON_URL` is set")]
#[case::exposed("serve", "HOST", "0.0.0.0", "DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS")]
#[case::checked(
    "check-config",
    "HOST",
    "0.0.0.0",
    "DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS"
)]
fn wrong_settings_stop_the_start_with_one_line(
    #[case] command: &str,
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    let stopped = output(coderun(&state()).arg(command).env(name, value));
    assert_eq!(stopped.status.code(), Some(2));
    let complaint = text(&stopped.stderr);
    assert!(complaint.contains(expected), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

#[test]
fn a_variable_that_is_not_unicode_stops_the_start() {
    use std::os::unix::ffi::OsStrExt as _;
    let nonsense = std::ffi::OsStr::from_bytes(b"/tmp/\xff");
    let stopped = output(coderun(&state()).env("STATE_DIR", nonsense));
    assert_eq!(stopped.status.code(), Some(2));
    let complaint = text(&stopped.stderr);
    assert!(
        complaint.contains("`STATE_DIR` is not valid Unicode"),
        "{complaint}"
    );
}

#[tokio::test]
async fn the_healthcheck_agrees_with_the_service() {
    let service = Service::start();
    let state = state();
    let asked = output(coderun(&state).args(["healthcheck", &service.url("")]));
    assert!(asked.status.success(), "{asked:?}");
}

#[test]
fn the_healthcheck_fails_if_nothing_listens() {
    let address = unused_address();
    let asked = output(coderun(&state()).args(["healthcheck", &format!("http://{address}")]));
    assert_eq!(asked.status.code(), Some(1));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let stopped = output(coderun(&state()).env("PORT", &port));
    let complaint = text(&stopped.stderr);
    assert!(
        complaint.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{complaint}"
    );
}

#[test]
fn the_doctor_says_what_is_wrong_with_redis() {
    let url = format!("redis://:hush@{}", unused_address());
    let examined = output(doctor(&state()).env("REDIS_URL", &url));
    assert_eq!(examined.status.code(), Some(1));
    let report = text(&examined.stdout);
    assert!(
        report.contains("failing    the store `redis` is not available: Redis cannot be reached"),
        "{report}"
    );
    assert!(
        !report.contains("hush") && !text(&examined.stderr).contains("hush"),
        "{report}"
    );
}

/// Runs the JavaScript of the replaced service's frontends unchanged against a real service.
#[tokio::test]
async fn the_javascript_of_the_replaced_service_works() {
    let service = Service::start();
    let guide = include_str!("../../../../docs/frontend.md");
    let (_, script) = guide.split_once("```js bare\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let script = script.replace("http://127.0.0.1:8001", &service.url(""));
    let token = service.token("alice");
    let script = format!("const token = {token:?};\n{script}");
    let node = Command::new("node")
        .args([
            "--experimental-websocket",
            "--no-warnings",
            "--input-type=module",
            "--eval",
            &script,
        ])
        .output()
        .unwrap();
    assert!(node.status.success(), "{}", text(&node.stderr));
    let printed = text(&node.stdout);
    assert!(
        printed.ends_with("completed Hello World\n\n1000\n"),
        "{printed}"
    );
}

#[test]
fn the_doctor_does_not_create_the_data_folder() {
    let state = state();
    let folder = state.path().join("data");
    let examined = output(doctor(&state).env("DATA_DIR", &folder));
    assert!(examined.status.success(), "{examined:?}");
    assert!(!folder.exists(), "the doctor created it");
}
