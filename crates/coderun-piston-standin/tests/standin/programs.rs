//! Runs real programs, whose output and limits are treated as Piston does.

use coderun_piston_standin::{Behavior, Reply};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{TIMEOUT, answer, execute, program, run, sandboxed, with_field};

/// Code, signal and status.
fn ending(stage: &Value) -> Value {
    json!([stage["code"], stage["signal"], stage["status"]])
}

#[tokio::test]
async fn python_runs_with_its_input_and_arguments() {
    let code = "import sys\nprint(input(), sys.argv[1:], repr(sys.stdin.read()))";
    let body = with_field(program("py", code), "stdin", json!("seven"));
    let body = with_field(body, "args", json!(["-v", "two words"]));
    let result = run(&sandboxed().await, &body).await;
    assert_eq!(result["run"]["stdout"], "seven ['-v', 'two words'] ''\n");
    assert_eq!(ending(&result["run"]), json!([0, null, null]));
    assert_eq!(result["run"]["memory"].as_u64().unwrap() % 1000, 0);
    assert!(result["run"]["wall_time"].as_f64().unwrap() > 0.0);
    assert_eq!(result.get("compile"), None);
}

#[tokio::test]
async fn a_compiled_program_has_two_stages_which_are_alike_where_the_first_failed() {
    let piston = sandboxed().await;
    let result = run(&piston, &program("c", "int main(void) { return 3; }")).await;
    assert_eq!(ending(&result["compile"]), json!([0, null, null]));
    assert_eq!(ending(&result["run"]), json!([3, null, "RE"]));
    let result = run(&piston, &program("c++", "int main() { return x; }")).await;
    assert_eq!(ending(&result["compile"]), json!([1, null, "RE"]));
    let stderr = result["compile"]["stderr"].as_str().unwrap();
    assert!(stderr.contains("error:"), "{stderr}");
    assert_eq!(result["run"], result["compile"]);
}

#[rstest]
#[case::output_that_fits("os.write(1, b'x' * 1024)", None, json!([0, null, null]))]
#[case::stdout_beyond_the_cap(
    "os.write(1, b'x' * 1025); time.sleep(60)",
    None,
    json!([null, "SIGKILL", "OL"])
)]
#[case::stderr_beyond_the_cap(
    "os.write(2, b'x' * 1025); time.sleep(60)",
    None,
    json!([null, "SIGKILL", "EL"])
)]
#[case::signal("os.abort()", None, json!([134, null, "RE"]))]
#[case::wall_time("time.sleep(60)", Some(("run_timeout", 300)), json!([null, "SIGKILL", "TO"]))]
#[case::cpu_time("while True: pass", Some(("run_cpu_time", 300)), json!([null, "SIGKILL", "TO"]))]
#[case::memory(
    "len(bytearray(200 << 20))",
    Some(("run_memory_limit", 64_000_000)),
    json!([137, null, "RE"])
)]
#[tokio::test]
async fn a_program_ends_as_on_piston(
    #[case] code: &str,
    #[case] limit: Option<(&str, u64)>,
    #[case] expected: Value,
) {
    let mut body = program("python", &format!("import os, time\n{code}"));
    if let Some((name, limit)) = limit {
        body = with_field(body, name, json!(limit));
    }
    let result = run(&sandboxed().await, &body).await;
    assert_eq!(ending(&result["run"]), expected, "{result}");
    let kept = result["run"]["output"].as_str().unwrap().len();
    assert!([0, 1024].contains(&kept), "whole pieces alone: {result}");
}

#[tokio::test]
async fn what_the_sandbox_cannot_run_is_a_500_without_a_body() {
    let files = json!([
        {"name": "main.py", "content": ""},
        {"name": "../x", "content": ""},
    ]);
    let body = with_field(program("python", ""), "files", files);
    assert_eq!(
        answer(&sandboxed().await, &body).await,
        (500.try_into().unwrap(), String::new())
    );
}

#[tokio::test]
async fn a_program_goes_on_when_its_client_has_left_or_its_answer_is_lost() {
    let piston = sandboxed().await;
    let (url, body) = (
        piston.url(),
        program("python", "import time\ntime.sleep(1)"),
    );
    let until_running = async |count| {
        while piston.running() != count {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    let wait = async |count| {
        tokio::time::timeout(TIMEOUT, until_running(count))
            .await
            .unwrap();
    };
    tokio::select! {
        answer = execute(&url, &body).send() => panic!("{answer:?}"),
        () = wait(1) => {}
    }
    assert_eq!(piston.running(), 1);
    wait(0).await;
    piston.script([Behavior::RunThenReply(Reply::reset())]);
    let (lost, ()) = tokio::join!(execute(&url, &body).send(), wait(1));
    assert!(lost.is_err());
    assert_eq!(piston.running(), 0, "it has run to its end");
}

#[tokio::test]
async fn a_dropped_stand_in_kills_its_programs() {
    let piston = sandboxed().await;
    let (url, body) = (
        piston.url(),
        program("python", "import time\ntime.sleep(60)"),
    );
    let dropping = async {
        piston.wait_for_programs(1).await;
        drop(piston);
    };
    let (answer, ()) = tokio::join!(execute(&url, &body).send(), dropping);
    assert!(answer.is_err());
}
