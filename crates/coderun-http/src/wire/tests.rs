use std::time::Duration;

use coderun_domain::testing::{at, draft, execution, finished, report, submission, user};
use coderun_domain::testing::{execution_id, store_policy};
use coderun_domain::{
    Attempt, ByteSize, CompileReport, EndedWithoutRun, Enforcement, Execution, ExitStatus, Outcome,
    Output, OutputChunk, OutputStream, Report, Sequence, Signal, Status, Summary, Usage, Verdict,
    WorkerId,
};
use insta::assert_snapshot;
use rstest::rstest;
use serde::Serialize;

use super::*;

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn record(execution: &Execution) -> String {
    pretty(&ExecutionRecord::new(
        execution,
        &store_policy(),
        Audience::Reader,
    ))
}

fn running() -> Execution {
    let worker = WorkerId::parse("w").unwrap();
    execution()
        .start(worker, at(1) + Duration::from_millis(250))
        .unwrap()
}

fn ended(outcome: Outcome) -> Execution {
    running().finish(outcome, at(3)).unwrap()
}

#[test]
fn a_pending_record() {
    assert_snapshot!(record(&execution()));
}

#[test]
fn a_running_record() {
    assert_snapshot!(record(&running()));
}

#[test]
fn a_completed_record() {
    assert_snapshot!(record(&ended(finished())));
}

/// Everything that a record can hold at once.
#[test]
fn a_full_record() {
    let report = Report {
        exit_status: Some(ExitStatus::Signaled(Signal::from_number(11))),
        compile: Some(CompileReport {
            exit_status: Some(ExitStatus::Exited(0)),
            usage: Usage {
                cpu_time: Some(Duration::from_millis(120)),
                wall_time: None,
                memory: Some(ByteSize::from_mib(3)),
            },
            output: Output::complete("built"),
            error_output: Output::complete("a warning"),
        }),
        enforcement: Enforcement {
            cpu: Some("rlimit".to_owned()),
            memory: Some("cgroup v2".to_owned()),
            ..Enforcement::default()
        },
        hint: Some("A hint.".to_owned()),
        ..report(Verdict::RuntimeError)
    };
    let (output, errors) = (
        Output::truncated(b"\xff\x00a".to_vec()),
        Output::complete(b"\xc3".to_vec()),
    );
    assert_snapshot!(record(&ended(Outcome::of_run(
        report, output, errors, None
    ))));
}

#[test]
fn an_update_for_a_watcher() {
    let execution = ended(finished());
    assert_snapshot!(pretty(&ServerMessage::update(&execution, &store_policy())));
}

#[rstest]
#[case(Verdict::TimeLimit, "", "Time limit of 15 s exceeded")]
#[case(Verdict::TimeLimit, "slow", "slow\nTime limit of 15 s exceeded")]
#[case(Verdict::TimeLimit, "slow\n", "slow\nTime limit of 15 s exceeded")]
#[case(Verdict::TimeLimit, "\n", "\nTime limit of 15 s exceeded")]
#[case(Verdict::MemoryLimit, "\n\n", "\n\nMemory limit of 256 MiB exceeded")]
#[case(Verdict::OutputLimit, "x", "x\nOutput limit of 1 MiB exceeded")]
#[case(Verdict::ProcessLimit, "x", "x\nProcess limit of 64 exceeded")]
#[case(Verdict::RuntimeError, "", "The program exited with code 1")]
#[case(Verdict::RuntimeError, "Traceback\n", "Traceback\n")]
#[case(Verdict::Cancelled, "so far\n", "so far\n")]
#[case(Verdict::Accepted, "", "")]
#[case(Verdict::WrongAnswer, "a warning", "a warning")]
fn error_output_says_what_stopped_a_program(
    #[case] verdict: Verdict,
    #[case] written: &'static str,
    #[case] expected: &str,
) {
    let errors = Output::complete(written);
    let outcome = Outcome::of_run(report(verdict), Output::default(), errors, None);
    let record: serde_json::Value = serde_json::from_str(&record(&ended(outcome))).unwrap();
    assert_eq!(record["error_output"], expected);
}

/// A character that the limit cuts is replaced, and the exact bytes are the program's alone.
#[test]
fn what_stopped_a_program_follows_output_that_was_cut() {
    let cut = Output::truncated(b"warning \xc3".to_vec());
    let outcome = Outcome::of_run(report(Verdict::OutputLimit), Output::default(), cut, None);
    let execution = ended(outcome);
    let update = serde_json::to_value(ServerMessage::update(&execution, &store_policy())).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record(&execution)).unwrap();
    for record in [&record, &update["data"]] {
        let expected = "warning \u{fffd}\nOutput limit of 1 MiB exceeded";
        assert_eq!(record["error_output"], expected);
        assert_eq!(record["error_output_base64"], "d2FybmluZyDD");
        assert_eq!(record["error_output_truncated"], true);
    }
}

#[test]
fn a_run_that_the_service_gave_up_says_why_after_its_output() {
    let outcome = Outcome::without_run(EndedWithoutRun::Failed, "The run did not end in time")
        .with_output(Output::default(), Output::complete("so far\n"));
    let record: serde_json::Value = serde_json::from_str(&record(&ended(outcome))).unwrap();
    assert_eq!(
        record["error_output"],
        "so far\nThe run did not end in time"
    );
}

#[test]
fn an_execution_that_never_ran_says_why() {
    let outcome = Outcome::without_run(EndedWithoutRun::Failed, "It waited too long");
    let execution = execution().finish(outcome, at(5)).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record(&execution)).unwrap();
    assert_eq!(record["error_output"], "It waited too long");
    assert_eq!(record["execution_time"], serde_json::Value::Null);
    assert_eq!(record["runner"], serde_json::Value::Null);
}

#[test]
fn output_events() {
    let chunk = |bytes: &'static [u8]| OutputChunk {
        stream: OutputStream::Stderr,
        bytes: bytes::Bytes::from_static(bytes),
        attempt: Attempt::from_count(2),
    };
    let id = execution_id(1);
    let (text, bytes) = (chunk("ü\n".as_bytes()), chunk(b"\xc3"));
    let sequence = Sequence::from_number(9);
    assert_snapshot!(pretty(&[
        ServerMessage::output(id, sequence, &text),
        ServerMessage::output(id, sequence, &bytes),
    ]));
}

#[test]
fn events_of_the_connection() {
    assert_snapshot!(pretty(&[
        ServerMessage::PONG,
        ServerMessage::error("what is wrong"),
        ServerMessage::queue(3, None),
        ServerMessage::queue(2, Some(Duration::from_millis(1_500))),
        ServerMessage::going_away(Duration::from_secs(30)),
        ServerMessage::auth_expiring(Duration::from_mins(1)),
    ]));
}

#[test]
fn a_program_that_waits_for_input() {
    let (sequence, attempt) = (Sequence::from_number(4), Attempt::from_count(1));
    let message = ServerMessage::awaiting_input(execution_id(1), sequence, attempt);
    assert_snapshot!(pretty(&message));
}

#[test]
fn a_record_of_an_execution_that_was_handed_over_stays_running() {
    let waiting = running().release(at(9)).unwrap();
    assert_eq!(waiting.status(), Status::Pending);
    let record = ExecutionRecord::new(&waiting, &store_policy(), Audience::Watcher);
    let record = serde_json::to_value(&record).unwrap();
    assert_eq!(record["status"], "running");
    assert_eq!(record["attempts"], 1);
}

#[test]
fn a_list_of_executions() {
    let pending = Execution::submit(execution_id(2), submission(user("alice"), draft()), at(7));
    let found = [Summary::from(&ended(finished())), Summary::from(&pending)];
    assert_snapshot!(pretty(&ExecutionList::new(&found, 1)));
}
