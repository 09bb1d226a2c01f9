//! Real programs, with what Piston does to their output, input and limits.

use std::time::Duration;

use coderun_domain::ByteSize;
use coderun_piston_standin::{PistonLimits, SignalReport, StandinOptions};
use serde_json::{Value, json};

use crate::support::{program, sandboxed, with, with_field};

/// Limits that hold on a slow machine: time is not what most of these are about.
fn patient() -> PistonLimits {
    PistonLimits {
        run_timeout: Duration::from_secs(15),
        run_cpu_time: Duration::from_secs(15),
        compile_timeout: Duration::from_secs(15),
        compile_cpu_time: Duration::from_secs(15),
        ..PistonLimits::default()
    }
}

fn options() -> StandinOptions {
    StandinOptions {
        limits: patient(),
        ..sandboxed()
    }
}

async fn run(body: &Value) -> Value {
    with(options()).await.run(body).await
}

/// A program that writes to file descriptors in exactly these pieces.
fn writing(code: &str) -> Value {
    program("python", &format!("import os\n{code}"))
}

/// Code, signal, status and message.
fn words(stage: &Value) -> [Value; 4] {
    ["code", "signal", "status", "message"].map(|name| stage[name].clone())
}

#[tokio::test]
async fn python_runs_with_its_input_and_arguments() {
    let body = program(
        "py",
        "import sys\nprint(input(), sys.argv[1:], repr(sys.stdin.read()))",
    );
    let body = with_field(body, "stdin", json!("seven"));
    let result = run(&with_field(body, "args", json!(["-v", "two words"]))).await;
    assert_eq!(result["run"]["stdout"], "seven ['-v', 'two words'] ''\n");
    assert_eq!(
        words(&result["run"]),
        [json!(0), json!(null), json!(null), json!(null)]
    );
    assert_eq!(result["run"]["memory"].as_u64().unwrap() % 1000, 0);
    assert!(result["run"]["wall_time"].as_f64().unwrap() > 0.0);
    assert_eq!(result.get("compile"), None);
}

#[tokio::test]
async fn every_text_file_of_c_is_a_source() {
    let files = json!([
        {"name": "main", "content": "#include \"seven.h\"\n#include <stdio.h>\nint main(void) { printf(\"%d\\n\", seven()); return 3; }"},
        {"name": "seven", "content": "int seven(void) { return 7; }"},
        {"name": "seven.h", "encoding": "base64", "content": "aW50IHNldmVuKHZvaWQpOwo="},
    ]);
    let result = run(&with_field(program("c", ""), "files", files)).await;
    assert_eq!(result["compile"]["code"], 0, "{result}");
    assert_eq!(result["run"]["stdout"], "7\n");
    let message = json!("Exited with error status 3");
    assert_eq!(
        words(&result["run"]),
        [json!(3), json!(null), json!("RE"), message]
    );
}

#[tokio::test]
async fn a_program_that_cannot_be_compiled_has_two_stages_alike() {
    let result = run(&program("c++", "int main() { return x; }")).await;
    let message = json!("Exited with error status 1");
    assert_eq!(
        words(&result["compile"]),
        [json!(1), json!(null), json!("RE"), message]
    );
    let stderr = result["compile"]["stderr"].as_str().unwrap();
    assert!(stderr.contains("error:"), "{stderr}");
    assert!(stderr.ends_with("chmod: cannot access 'a.out': No such file or directory\n"));
    assert_eq!(result["run"], result["compile"]);
}

#[tokio::test]
async fn a_compiler_that_says_too_much_is_killed() {
    let code = "int main() { a; b; c; d; e; f; g; h; i; j; k; l; m; n; return 0; }";
    let result = run(&program("c", code)).await;
    let message = json!("stderr length exceeded");
    assert_eq!(
        words(&result["compile"]),
        [json!(null), json!("SIGKILL"), json!("EL"), message]
    );
    assert_eq!(result["run"], result["compile"]);
}

#[tokio::test]
async fn output_of_exactly_the_cap_is_taken() {
    let result = run(&writing(
        "os.write(1, b'x' * 1024)\nos.write(2, b'y' * 1024)",
    ))
    .await;
    assert_eq!(result["run"]["stdout"], "x".repeat(1024));
    assert_eq!(result["run"]["stderr"], "y".repeat(1024));
    assert_eq!(result["run"]["status"], Value::Null);
    assert_eq!(result["run"]["output"].as_str().unwrap().len(), 2048);
}

#[tokio::test]
async fn one_byte_over_the_cap_loses_the_piece_and_the_program() {
    for (descriptor, status, message) in [
        (1, "OL", "stdout length exceeded"),
        (2, "EL", "stderr length exceeded"),
    ] {
        let code = format!("os.write({descriptor}, b'x' * 1025)\nimport time\ntime.sleep(60)");
        // Without a limit on time nothing but the cap ends it.
        let result = run(&with_field(writing(&code), "run_timeout", json!(0))).await;
        assert_eq!(result["run"]["output"], "");
        let expected = [json!(null), json!("SIGKILL"), json!(status), json!(message)];
        assert_eq!(words(&result["run"]), expected);
    }
}

#[tokio::test]
async fn a_signal_is_an_exit_code_of_the_shell() {
    let result = run(&program(
        "c",
        "#include <stdlib.h>\nint main(void) { abort(); }",
    ))
    .await;
    let message = json!("Exited with error status 134");
    assert_eq!(
        words(&result["run"]),
        [json!(134), json!(null), json!("RE"), message]
    );
    let stderr = result["run"]["stderr"].as_str().unwrap();
    assert!(stderr.contains("/run: line 6:     3 Aborted "), "{stderr}");
}

#[tokio::test]
async fn too_much_memory_is_a_kill_and_no_other_word() {
    let body = writing("x = bytearray(200 << 20)\nprint(len(x))");
    let body = with_field(body, "run_memory_limit", json!(64_000_000));
    let result = run(&body).await;
    let message = json!("Exited with error status 137");
    assert_eq!(
        words(&result["run"]),
        [json!(137), json!(null), json!("RE"), message]
    );
    let direct = with(StandinOptions {
        signals: SignalReport::Signal,
        ..options()
    });
    let result = direct.await.run(&body).await;
    let message = json!("Caught fatal signal 9");
    assert_eq!(
        words(&result["run"]),
        [json!(null), json!("SIGKILL"), json!("SG"), message]
    );
    assert_eq!(result["run"]["stderr"], "");
}

#[tokio::test]
async fn a_program_is_killed_after_its_time() {
    let body = program("python", "import time\ntime.sleep(60)");
    let result = run(&with_field(body, "run_timeout", json!(300))).await;
    let message = json!("Time limit exceeded (wall clock)");
    assert_eq!(
        words(&result["run"]),
        [json!(null), json!("SIGKILL"), json!("TO"), message]
    );
    let body = program("python", "while True: pass");
    let body = with_field(body, "run_timeout", json!(0));
    let result = run(&with_field(body, "run_cpu_time", json!(300))).await;
    let message = json!("Time limit exceeded");
    assert_eq!(
        words(&result["run"]),
        [json!(null), json!("SIGKILL"), json!("TO"), message]
    );
}

#[tokio::test]
async fn a_path_that_leaves_the_folder_is_an_error_without_a_body() {
    let asked = with(options()).await;
    let files = json!([{"name": "../main.py", "content": ""}]);
    let body = with_field(program("python", ""), "files", files);
    let response = asked.request(&body).send().await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(response.bytes().await.unwrap(), "");
}

#[tokio::test]
async fn of_a_long_stdin_comes_what_a_socket_holds() {
    let asked = with(StandinOptions {
        body_limit: ByteSize::from_mib(1),
        ..options()
    })
    .await;
    let body = program("python", "import sys\nprint(len(sys.stdin.read()))");
    let body = with_field(body, "stdin", json!("x".repeat(300_000)));
    assert_eq!(asked.run(&body).await["run"]["stdout"], "219264\n");
}

#[tokio::test]
async fn a_dropped_stand_in_kills_its_programs() {
    let asked = with(options()).await;
    let body = program("python", "import time\ntime.sleep(60)");
    let answer = asked.begin(&body);
    asked.standin.wait_for_begun(1).await;
    drop(asked);
    assert!(answer.await.unwrap().is_err());
}

#[tokio::test]
async fn the_runtimes_are_those_of_the_sandbox() {
    let asked = with(options()).await;
    let names: Vec<_> = asked
        .standin
        .runtimes()
        .iter()
        .map(|it| it.language.as_str())
        .collect();
    for language in ["python", "c", "c++", "bash"] {
        assert!(names.contains(&language), "{names:?}");
    }
}
