//! Programs that Piston ran.

use std::time::Duration;

use bytes::Bytes;
use coderun_domain::{
    ByteSize, CodeRunner, Ending, OutputStream, RunnerError, SubmissionDraft, Verdict, testing,
};
use coderun_runner_http::{HttpRunner, PistonConfig};
use serde_json::json;

use crate::support::server::{Piston, Reply};
use crate::support::{
    Listener, answer, config, limits, request, request_with, request_with_output, run, run_with,
    runner,
};

#[tokio::test]
async fn a_result_becomes_a_report_and_its_output_is_passed_on() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    piston.next([answer(
        &json!({"stderr": "err\n", "code": 7, "status": "RE"}),
    )]);
    let mut listener = Listener::default();
    let report = run_with(&runner, request(), &mut listener).await.unwrap();
    assert_eq!(report.verdict, Verdict::RuntimeError);
    assert_eq!(report.ending, Some(Ending::Exited(7)));
    assert_eq!(report.usage.cpu_time, Some(Duration::from_millis(11)));
    assert_eq!(report.usage.wall_time, Some(Duration::from_millis(29)));
    assert_eq!(report.usage.memory, Some(ByteSize::from_kib(1204)));
    assert_eq!(report.language_version.as_deref(), Some("3.12.0"));
    assert_eq!(report.runner, "piston");
    assert_eq!(report.enforcement, runner.profile().enforcement);
    assert_eq!(
        (listener.stdout.as_slice(), listener.stderr.as_slice()),
        (&b"out\n"[..], &b"err\n"[..])
    );
    assert_eq!(listener.cut, []);
}

#[tokio::test]
async fn a_program_is_sent_once_with_all_that_belongs_to_it() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let draft = SubmissionDraft {
        version: Some("3.12.0".to_owned()),
        args: vec!["a b".to_owned()],
        files: vec![("x.bin".to_owned(), Bytes::from_static(&[0xff]))],
        ..testing::draft()
    };
    let request = request_with(draft, limits());
    run_with(&runner, request, &mut Listener::default())
        .await
        .unwrap();
    let programs = piston.programs();
    let [program] = &programs[..] else {
        panic!("{programs:?}");
    };
    assert_eq!(program.path, "/api/v2/execute");
    assert_eq!(program.header("content-type"), Some("application/json"));
    let sent = program.json();
    assert_eq!(sent["language"], "python");
    assert_eq!(sent["version"], "3.12.0");
    assert_eq!(sent["stdin"], "the input");
    assert_eq!(sent["args"], json!(["a b"]));
    assert_eq!(sent["run_timeout"], 15_000);
    assert_eq!(sent["run_memory_limit"], 256 << 20);
    assert_eq!(sent["files"][1]["content"], "/w==");
}

#[tokio::test]
async fn a_trace_goes_on_behind_piston() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = SubmissionDraft {
        trace: Some(trace.parse().unwrap()),
        ..testing::draft()
    };
    for draft in [traced, testing::draft()] {
        let request = request_with(draft, limits());
        let ran = run_with(&runner, request, &mut Listener::default()).await;
        ran.unwrap();
    }
    let programs = piston.programs();
    let sent: Vec<_> = programs.iter().map(|it| it.header("traceparent")).collect();
    assert_eq!(sent, [Some(trace), None]);
}

/// It is offered none, but the offers may have changed since it was chosen.
#[tokio::test]
async fn an_interactive_program_is_sent_with_its_own_input_alone() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    assert!(!runner.profile().interactive);
    let draft = SubmissionDraft {
        interactive: true,
        ..testing::draft()
    };
    let request = request_with(draft, limits());
    let report = run_with(&runner, request, &mut Listener::default()).await;
    assert_eq!(report.unwrap().verdict, Verdict::Accepted);
    assert_eq!(piston.programs()[0].json()["stdin"], "the input");
}

#[tokio::test]
async fn output_that_just_fits_is_whole() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let mut listener = Listener::default();
    let request = request_with_output(ByteSize::from_bytes(4));
    let report = run_with(&runner, request, &mut listener).await.unwrap();
    assert_eq!(report.verdict, Verdict::Accepted);
    assert_eq!(listener.stdout, b"out\n");
}

#[tokio::test]
async fn output_beyond_the_limit_is_passed_on_by_one_byte_and_reported() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    for (stream, code) in [("stdout", 0), ("stderr", 1)] {
        let changes = json!({
            "stdout": "", stream: "0123456789", "code": code, "status": if code == 0 { None } else { Some("RE") },
        });
        piston.next([answer(&changes)]);
        let mut listener = Listener::default();
        let request = request_with_output(ByteSize::from_bytes(4));
        let report = run_with(&runner, request, &mut listener).await.unwrap();
        assert_eq!(report.verdict, Verdict::OutputLimit);
        assert_eq!([listener.stdout, listener.stderr].concat(), b"01234");
    }
}

#[tokio::test]
async fn output_that_piston_cut_is_known_to_be_cut() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    for (status, stream) in [("OL", OutputStream::Stdout), ("EL", OutputStream::Stderr)] {
        piston.next([answer(
            &json!({"code": null, "status": status, "signal": "SIGKILL"}),
        )]);
        let mut listener = Listener::default();
        let report = run_with(&runner, request(), &mut listener).await.unwrap();
        assert_eq!(report.verdict, Verdict::OutputLimit);
        assert_eq!(listener.cut, [stream]);
        assert_eq!(listener.stdout, b"out\n");
    }
}

#[tokio::test]
async fn a_compile_error_has_the_compilers_words_and_no_output() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let stage =
        json!({"stdout": "", "stderr": "main.c:1: no", "code": 1, "signal": null, "status": "RE"});
    let failed = json!({"compile": stage, "run": stage, "language": "c", "version": "10.2.0"});
    piston.next([Reply::json(200, &failed)]);
    let draft = SubmissionDraft {
        language: "c".to_owned(),
        ..testing::draft()
    };
    let mut listener = Listener::default();
    let request = request_with(draft, limits());
    let report = run_with(&runner, request, &mut listener).await.unwrap();
    assert_eq!(report.verdict, Verdict::CompileError);
    assert_eq!(report.ending, None);
    assert_eq!(report.compile.unwrap().error_output.bytes(), "main.c:1: no");
    assert!(listener.stdout.is_empty() && listener.stderr.is_empty());
}

#[tokio::test]
async fn the_compilers_words_are_bounded_too() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let stage =
        json!({"stdout": "", "stderr": "0123456789", "code": 1, "signal": null, "status": "RE"});
    let failed = json!({"compile": stage, "run": stage, "language": "c", "version": "10.2.0"});
    piston.next([Reply::json(200, &failed)]);
    let request = request_with_output(ByteSize::from_bytes(4));
    let report = run_with(&runner, request, &mut Listener::default())
        .await
        .unwrap();
    let said = report.compile.unwrap().error_output;
    assert_eq!(
        (said.bytes().as_ref(), said.is_truncated()),
        (&b"0123"[..], true)
    );
}

#[tokio::test]
async fn a_version_that_is_none_is_not_believed() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    for (told, expected) in [("3.13.1", "3.13.1"), ("<b>", "3.12.0"), ("", "3.12.0")] {
        let stage = json!({"stdout": "", "stderr": "", "code": 0});
        piston.next([Reply::json(
            200,
            &json!({"run": stage, "language": "python", "version": told}),
        )]);
        let report = run(&runner).await.unwrap();
        assert_eq!(report.language_version.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn a_version_that_is_not_offered_is_not_replaced_by_another() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    piston.runtimes(Reply::json(
        200,
        &json!([{"language": "python", "version": "3.9.4"}]),
    ));
    drop(runner);
    let runner = crate::support::runner(&piston).await;
    let answer = run(&runner).await;
    assert!(
        matches!(answer, Err(RunnerError::Unsupported { .. })),
        "{answer:?}"
    );
    assert!(piston.programs().is_empty());
}

#[tokio::test]
async fn a_limit_of_piston_that_is_lower_is_sent_and_named_where_it_was_met() {
    let piston = Piston::start().await;
    let stock = PistonConfig::default();
    let runner = HttpRunner::piston(config(&piston), stock).await.unwrap();
    piston.next([answer(
        &json!({"code": null, "status": "TO", "signal": "SIGKILL"}),
    )]);
    let hint = run(&runner).await.unwrap().hint.unwrap();
    assert!(hint.contains("3000 ms in all"), "{hint}");
    assert_eq!(piston.programs()[0].json()["run_timeout"], 3000);
}

#[tokio::test]
async fn a_program_that_is_too_large_is_refused_with_both_sizes_and_never_sent() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let draft = SubmissionDraft {
        code: "x".repeat(102_400),
        ..testing::draft()
    };
    let request = request_with(draft, limits());
    let report = run_with(&runner, request, &mut Listener::default())
        .await
        .unwrap();
    assert_eq!(report.verdict, Verdict::Rejected);
    let hint = report.hint.unwrap();
    assert!(
        hint.starts_with("The runner takes 102400 bytes at most"),
        "{hint}"
    );
    assert!(hint.contains("makes 10268"), "{hint}");
    assert!(piston.programs().is_empty());
}

#[tokio::test]
async fn a_large_answer_within_the_bound_is_taken() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let text = "y".repeat(1 << 20);
    piston.next([answer(&json!({"stdout": text}))]);
    let mut listener = Listener::default();
    let report = run_with(&runner, request(), &mut listener).await.unwrap();
    assert_eq!(report.verdict, Verdict::Accepted);
    assert_eq!(listener.stdout.len(), 1 << 20);
}
