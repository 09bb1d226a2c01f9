//! Tests every language, and every way in which a program can fail, through the whole service.

use std::io::Write as _;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

use crate::support::{Launch, Service, coderun, eventually, output, text, within};

#[rstest]
#[case::python("python", "print('hello')")]
#[case::javascript("javascript", "console.log('hello')")]
#[case::bash("bash", "echo hello")]
#[case::c("c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); }")]
#[case::cpp(
    "c++",
    "#include <iostream>\nint main() { std::cout << \"hello\\n\"; }"
)]
#[tokio::test]
async fn a_program_runs_in_every_language(#[case] language: &str, #[case] code: &str) {
    let record = Service::start().run_code(language, code).await;
    assert_eq!(record["output"], "hello\n", "{record}");
    assert_eq!(record["status"], "completed", "{record}");
}

#[tokio::test]
async fn every_example_of_the_catalog_runs() {
    let service = Service::start();
    let token = service.token("runner");
    let languages = service.read("/api/v1/languages", &token).await["languages"].take();
    let languages = languages.as_array().unwrap();
    let text = |spec: &'_ Value, key: &str| spec[key].as_str().unwrap().to_owned();
    let names: Vec<_> = languages.iter().map(|spec| text(spec, "name")).collect();
    for name in ["python", "javascript", "c", "cpp", "bash"] {
        assert!(names.iter().any(|offered| offered == name), "{names:?}");
    }
    for (spec, name) in languages.iter().zip(names) {
        let record = service.run_code(&name, &text(spec, "example")).await;
        assert_eq!(record["verdict"], "accepted", "{name}: {record}");
        assert_ne!(record["output"], "", "{name}");
    }
}

#[rstest]
#[case::exits_with_an_error(
    ("CPU_TIME_DEFAULT", "5"),
    "import sys; print('so far'); sys.exit(3)",
    json!({"status": "error", "verdict": "runtime_error", "exit_code": 3, "output": "so far\n", "error_output": "The program exited with code 3"})
)]
#[case::asks_for_input_that_is_not_there(
    ("CPU_TIME_DEFAULT", "5"),
    "name = input('name? ')\nprint('hello', name)",
    json!({"verdict": "runtime_error", "output": "name? ", "hint": "The program asked for input and there was none: write what it should read into the input (`input_data`) before the run"})
)]
#[case::never_ends(
    ("CPU_TIME_DEFAULT", "1"),
    "while True: pass",
    json!({"verdict": "time_limit", "error_output": "CPU time limit of 1 s exceeded"})
)]
#[case::never_ends_after_a_warning(
    ("CPU_TIME_DEFAULT", "1"),
    "import sys\nprint('warning: slow path', file=sys.stderr)\nwhile True:\n    pass",
    json!({"verdict": "time_limit", "error_output": "warning: slow path\nCPU time limit of 1 s exceeded"})
)]
#[case::sleeps_for_ever(
    ("WALL_TIME_DEFAULT", "1"),
    "import time; time.sleep(100)",
    json!({"verdict": "time_limit", "error_output": "Time limit of 1 s exceeded"})
)]
#[case::writes_without_end(
    ("OUTPUT_DEFAULT", "1MiB"),
    "while True: print('x' * 1023)",
    json!({"verdict": "output_limit", "error_output": "Output limit of 1 MiB exceeded", "output_truncated": true, "output": format!("{}\n", "x".repeat(1023)).repeat(1024)})
)]
#[tokio::test]
async fn a_program_that_fails_gets_its_verdict_and_keeps_its_output(
    #[case] variable: (&str, &str),
    #[case] code: &str,
    #[case] expected: Value,
) {
    let service = Service::start_with(&[variable]);
    let record = service.run_code("python", code).await;
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&record[key], value, "{key} of {record}");
    }
}

#[tokio::test]
async fn code_that_does_not_compile_shows_the_errors_of_the_compiler() {
    let record = Service::start()
        .run_code("c", "int main(void) { return x; }")
        .await;
    assert_eq!(record["verdict"], "compile_error");
    let errors = record["error_output"].as_str().unwrap();
    assert!(errors.contains("undeclared"), "{errors}");
}

/// A file with a language whose example does not greet.
fn mute_language() -> NamedTempFile {
    let entry = "[mute]\nfile = \"main.sh\"\nexample = \"echo something else\"\ntools = [\"bash\"]\n\
                 version = [\"--version\"]\nrun = [\"{tool}\", \"{file}\"]\n";
    language_file(entry)
}

fn language_file(entries: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(entries.as_bytes()).unwrap();
    file
}

/// Why the language of [`mute_language`] is not offered.
const MUTE: &str = "does not run: its example printed `something else`, not `Hello, World!`";

#[tokio::test]
async fn a_language_that_does_not_run_is_not_offered_and_readiness_says_why() {
    let file = mute_language();
    let launch = Launch::new().with("LANGUAGES_FILE", file.path().to_str().unwrap());
    let service = launch.without("LANGUAGE_CHECK_SECONDS").start();
    service.until_readiness_is(StatusCode::OK).await;
    let record = service.run_code("python", "print('ready')").await;
    assert_eq!(record["output"], "ready\n", "{record}");
    let token = service.token("runner");
    let reason = eventually("the reason is told", || async {
        let ready = service.read("/health/ready", &token).await;
        let check = &ready["checks"]["languages"];
        assert_eq!(
            (&ready["status"], &check["status"]),
            (&json!("ready"), &json!("degraded"))
        );
        let reason = check["reason"].as_str()?;
        reason.contains(MUTE).then(|| reason.to_owned())
    });
    reason.await;
    let languages = service.read("/api/v1/languages", &token).await.to_string();
    assert!(
        languages.contains("\"bash\"") && !languages.contains("\"mute\""),
        "{languages}"
    );
}

/// A folder with one tool, so that there is little else to check.
fn only_bash() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/bin/bash", folder.path().join("bash")).unwrap();
    folder
}

/// Its trial takes longer than the test.
const SLOW: &str = "[slow]\nfile = \"main.sh\"\nexample = \"sleep 10; echo Hello, World!\"\ntools = [\"bash\"]\n\
                    version = [\"--version\"]\nrun = [\"{tool}\", \"{file}\"]\n";

#[tokio::test]
async fn while_a_language_is_checked_the_service_serves_and_says_so_and_ends_at_once() {
    let file = language_file(SLOW);
    let launch = Launch::new().with("LANGUAGES_FILE", file.path().to_str().unwrap());
    let tools = only_bash();
    let launch = launch.with("TOOLCHAIN_PATH", tools.path().to_str().unwrap());
    let mut service = launch.without("LANGUAGE_CHECK_SECONDS").start();
    let token = service.token("runner");
    // A dry run does not wait for the check.
    let answer = async |language: &str| {
        let request = service.post("/api/v1/executions/execute?dry_run=true", &token);
        let request = request.json(&json!({"code": "x", "language": language}));
        let answer = request.send().await.unwrap();
        let retry_after = answer.headers().get("retry-after").cloned();
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap();
        (
            status,
            retry_after,
            problem["detail"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (status, retry_after, detail) = answer("slow").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{detail}");
    assert!(retry_after.is_some());
    assert!(
        detail.contains("slow 5") && detail.contains("still being checked"),
        "{detail}"
    );
    let (status, _, detail) = answer("Scala 3").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        detail.contains("names scala, which is not installed here"),
        "{detail}"
    );
    let asked = Instant::now();
    service.signal("TERM");
    service.ended().await;
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
}

/// Two languages that the service is still checking when the test is over would come before all further versions.
#[tokio::test]
async fn a_submission_right_after_the_start_has_its_language_checked_before_others() {
    let slow = SLOW.replace("sleep 10", "sleep 50") + "limits.default.wall_time_ms = 60000\n";
    let file = language_file(&(slow.clone() + &slow.replace("[slow]", "[slower]")));
    let launch = Launch::new().with("LANGUAGES_FILE", file.path().to_str().unwrap());
    let token = launch.token("runner");
    let service = launch.without("LANGUAGE_CHECK_SECONDS").start();
    let code = "#include <iostream>\nint main() { std::cout << (__cplusplus > 202000L) << '\\n'; }";
    let body = json!({"code": code, "language": "c++20"});
    // Where a compiler takes seconds, the first answer may be 503.
    let id = within(Duration::from_secs(25), "it is accepted", async || {
        let answer = service.try_submit(&token, &body).await;
        let accepted: Option<Value> = match answer.status() {
            StatusCode::OK => answer.json().await.ok(),
            _ => None,
        };
        Some(accepted?["execution_id"].as_str()?.to_owned())
    });
    let record = service.final_record(&token, &id.await).await;
    assert_eq!(record["output"], "1\n", "{record}");
}

/// The example of docs/languages.md.
#[tokio::test]
async fn limits_of_one_language_are_in_the_record_and_asking_for_less_is_refused() {
    let page = include_str!("../../../../docs/languages.md");
    let (_, section) = page
        .split_once("### Give one language other limits\n")
        .unwrap();
    let (_, example) = section.split_once("```toml\n").unwrap();
    let file = language_file(example.split_once("```").unwrap().0);
    let tools = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/usr/bin/javac", tools.path().join("javac")).unwrap();
    let launch = Launch::new().with("LANGUAGES_FILE", file.path().to_str().unwrap());
    let service = launch
        .with("TOOLCHAIN_PATH", tools.path().to_str().unwrap())
        .start();
    let code = "class A { public static void main(String[] a) {\n\
        System.out.println(Runtime.getRuntime().maxMemory() > (256 << 20)); } }";
    let record = service.run_code("java", code).await;
    assert_eq!(record["output"], "true\n", "{record}");
    assert_eq!(record["limits"]["memory_bytes"], 512 << 20, "{record}");
    let body = json!({"code": code, "language": "java", "limits": {"memory_bytes": 95 << 20}});
    let answer = service.try_submit(&service.token("runner"), &body).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem = answer.text().await.unwrap();
    assert!(problem.contains("at least 100663296"), "{problem}");
}

#[test]
fn the_doctor_names_a_language_that_does_not_run() {
    let (state, file) = (tempfile::tempdir().unwrap(), mute_language());
    let (mut doctor, tools) = (coderun(&state), only_bash());
    doctor.arg("doctor").env("LANGUAGES_FILE", file.path());
    doctor.env("TOOLCHAIN_PATH", tools.path());
    let printed = output(&mut doctor);
    let report = text(&printed.stdout);
    assert!(printed.status.success(), "{report}");
    let line = report
        .lines()
        .find(|line| line.starts_with("languages degraded"))
        .unwrap();
    assert!(line.contains(MUTE), "{line}");
    assert!(!report.contains("language  mute"), "{report}");
}
