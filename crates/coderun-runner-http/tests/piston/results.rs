//! Runs programs and reads their results.

use std::time::Duration;

use coderun_domain::testing::CollectingIo;
use coderun_domain::{
    ByteSize, CodeRunner, DraftFile, ExitStatus, OutputStream, RunRequest, SubmissionDraft,
    Verdict, testing,
};
use coderun_piston_standin::{Reply, Request};
use coderun_runner_http::{HttpRunner, PistonConfig};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer, config, limits, output_limit, request_with, run, run_draft, run_with, run_within,
    setup, start_piston,
};

#[tokio::test]
async fn a_result_becomes_a_report_and_its_output_is_passed_on() {
    let (piston, runner) = setup().await;
    let failed = json!({"stderr": "err\n", "code": 7, "status": "RE"});
    piston.script([answer(&failed)]);
    let (report, io) = run_within(&runner, limits()).await.unwrap();
    assert_eq!(report.verdict, Verdict::RuntimeError);
    assert_eq!(report.exit_status, Some(ExitStatus::Exited(7)));
    assert_eq!(report.usage.cpu_time, Some(Duration::from_millis(11)));
    assert_eq!(report.usage.wall_time, Some(Duration::from_millis(29)));
    assert_eq!(report.usage.memory, Some(ByteSize::from_kib(1204)));
    assert_eq!(report.language_version.as_deref(), Some("3.12.0"));
    assert_eq!(report.runner, "piston");
    assert_eq!(report.enforcement, runner.profile().enforcement);
    assert_eq!(
        (&io.stdout[..], &io.stderr[..]),
        (&b"out\n"[..], &b"err\n"[..])
    );
    assert_eq!(io.truncated, []);
}

/// Runs one program and returns what was sent.
async fn sent(draft: SubmissionDraft) -> Request {
    let (piston, runner) = setup().await;
    let report = run_draft(&runner, draft).await;
    assert_eq!(report.verdict, Verdict::Accepted);
    let [program] = <[Request; 1]>::try_from(piston.programs()).unwrap();
    program
}

#[tokio::test]
async fn a_program_is_sent_once_with_its_files_limits_and_trace() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let program = sent(SubmissionDraft {
        version: Some("3.12.0".to_owned()),
        files: vec![DraftFile::new("x.bin", [0xff].as_slice())],
        trace: Some(trace.parse().unwrap()),
        ..testing::draft()
    })
    .await;
    assert_eq!(program.path, "/api/v2/execute");
    assert_eq!(program.header("content-type"), Some("application/json"));
    assert_eq!(program.header("traceparent"), Some(trace));
    assert_eq!(program.header("authorization"), None, "there is no key");
    let body = program.json();
    assert_eq!(
        (&body["language"], &body["version"]),
        (&json!("python"), &json!("3.12.0"))
    );
    assert_eq!(body["run_timeout"], 15_000);
    assert_eq!(body["files"][1]["content"], "/w==");
}

/// The profile excludes such programs, but it may have changed since the submission.
#[tokio::test]
async fn an_interactive_program_gets_its_own_input_alone() {
    let program = sent(SubmissionDraft {
        interactive: true,
        ..testing::draft()
    })
    .await;
    assert_eq!(program.json()["stdin"], "the input");
    assert_eq!(program.header("traceparent"), None);
}

#[rstest]
#[case::exactly_the_limit(json!({"stdout": "0123"}), Verdict::Accepted, "0123")]
#[case::stdout_beyond(json!({"stdout": "0123456789"}), Verdict::OutputLimit, "01234")]
#[case::stderr_beyond(
    json!({"stdout": "", "stderr": "0123456789", "code": 1, "status": "RE"}),
    Verdict::OutputLimit,
    "01234"
)]
#[tokio::test]
async fn output_is_passed_on_up_to_one_byte_beyond_the_limit(
    #[case] changes: Value,
    #[case] verdict: Verdict,
    #[case] expected: &str,
) {
    let (piston, runner) = setup().await;
    piston.script([answer(&changes)]);
    let limits = output_limit(ByteSize::from_bytes(4));
    let (report, io) = run_within(&runner, limits).await.unwrap();
    assert_eq!(report.verdict, verdict);
    assert_eq!([io.stdout, io.stderr].concat(), expected.as_bytes());
}

#[rstest]
#[case("OL", OutputStream::Stdout)]
#[case("EL", OutputStream::Stderr)]
#[tokio::test]
async fn output_that_piston_cut_is_known_to_be_cut(
    #[case] status: &str,
    #[case] stream: OutputStream,
) {
    let (piston, runner) = setup().await;
    let killed = json!({"code": null, "status": status, "signal": "SIGKILL"});
    piston.script([answer(&killed)]);
    let (report, io) = run_within(&runner, limits()).await.unwrap();
    assert_eq!(report.verdict, Verdict::OutputLimit);
    assert_eq!(
        (io.truncated, &io.stdout[..]),
        (vec![stream], &b"out\n"[..])
    );
}

/// The answer to a program that was not built.
fn not_built(stderr: &str) -> Reply {
    let stage = json!({"stdout": "", "stderr": stderr, "code": 1, "signal": null, "status": "RE"});
    let answer = json!({"compile": stage, "run": stage, "language": "c", "version": "10.2.0"});
    Reply::json(200, &answer)
}

fn c_program(output: ByteSize) -> RunRequest {
    let draft = SubmissionDraft {
        language: "c".to_owned(),
        ..testing::draft()
    };
    request_with(draft, output_limit(output))
}

#[rstest]
#[case::whole(100, "main.c:1: no", false)]
#[case::head(4, "main", true)]
#[tokio::test]
async fn a_compile_error_has_the_text_of_the_compiler_within_the_limit(
    #[case] limit_bytes: u64,
    #[case] expected: &str,
    #[case] is_truncated: bool,
) {
    let (piston, runner) = setup().await;
    piston.script([not_built("main.c:1: no")]);
    let request = c_program(ByteSize::from_bytes(limit_bytes));
    let mut io = CollectingIo::default();
    let report = run_with(&runner, request, &mut io).await.unwrap();
    assert_eq!(
        (report.verdict, report.exit_status),
        (Verdict::CompileError, None)
    );
    let text = report.compile.unwrap().error_output;
    assert_eq!(
        (&text.bytes()[..], text.is_truncated()),
        (expected.as_bytes(), is_truncated)
    );
    assert!(io.stdout.is_empty() && io.stderr.is_empty());
}

#[rstest]
#[case::another("3.13.1", "3.13.1")]
#[case::not_a_version("<b>", "3.12.0")]
#[case::none("", "3.12.0")]
#[tokio::test]
async fn a_version_in_an_answer_is_used_if_it_is_one(
    #[case] version: &str,
    #[case] expected: &str,
) {
    let (piston, runner) = setup().await;
    let stage = json!({"stdout": "", "stderr": "", "code": 0});
    let answer = json!({"run": stage, "language": "python", "version": version});
    piston.script([Reply::json(200, &answer)]);
    let report = run(&runner).await.unwrap();
    assert_eq!(report.language_version.as_deref(), Some(expected));
}

#[tokio::test]
async fn a_lower_limit_of_piston_is_sent_and_named_where_it_was_met() {
    let piston = start_piston().await;
    let stock = PistonConfig::default();
    let runner = HttpRunner::piston(config(&piston), stock).await.unwrap();
    let killed = json!({"code": null, "status": "TO", "signal": "SIGKILL"});
    piston.script([answer(&killed)]);
    let hint = run(&runner).await.unwrap().hint.unwrap();
    assert!(hint.contains("3000 ms in all"), "{hint}");
    assert_eq!(piston.programs()[0].json()["run_timeout"], 3000);
}

#[tokio::test]
async fn a_program_that_is_too_large_is_rejected_with_both_sizes_and_never_sent() {
    let (piston, runner) = setup().await;
    let draft = SubmissionDraft {
        code: "x".repeat(102_400),
        ..testing::draft()
    };
    let report = run_draft(&runner, draft).await;
    assert_eq!(report.verdict, Verdict::Rejected);
    let hint = report.hint.unwrap();
    assert!(
        hint.starts_with("The runner takes 102400 bytes at most"),
        "{hint}"
    );
    assert!(hint.contains("makes 10268"), "{hint}");
    assert!(piston.programs().is_empty());
}
