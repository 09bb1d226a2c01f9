use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{at, draft, execution_id, finished, report, submission, user};
use coderun_domain::{
    ByteSize, CompileReport, Ending, Enforcement, ForcedEnd, Outcome, Output, Report, Signal,
    Submission, SubmissionDraft, Usage, Verdict,
};
use deadpool_redis::redis::Value;
use rstest::rstest;

use super::*;

/// The fields of a record as the server would answer them.
fn answer(fields: &[Field<'_>]) -> Fields {
    let bulk = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
    let flat = fields
        .iter()
        .flat_map(|(name, value)| [bulk(name.as_bytes()), bulk(value)]);
    Fields::read(Value::Array(flat.collect())).unwrap()
}

fn shown(fields: &[Field<'_>]) -> Vec<String> {
    let show = |(name, value): &Field<'_>| format!("{name}: {}", String::from_utf8_lossy(value));
    fields.iter().map(show).collect()
}

/// A submission that uses everything a submission can have.
fn rich_submission() -> Submission {
    let draft = SubmissionDraft {
        code: "print('h\u{e9}llo \u{1f600}')\0".to_owned(),
        input: "4\n2".to_owned(),
        args: vec!["-v".to_owned(), String::new()],
        files: vec![
            ("data/a.bin".to_owned(), Bytes::from_static(b"\0\xff")),
            ("b".to_owned(), Bytes::new()),
            ("c.txt".to_owned(), Bytes::from_static(b"see")),
        ],
        expected_output: Some("42".to_owned()),
        ..draft()
    };
    submission(user("alice"), draft)
}

fn rich_report() -> Report {
    Report {
        ending: Some(Ending::Signaled(Signal::KILL)),
        usage: Usage {
            cpu_time: Some(Duration::new(1, 1)),
            wall_time: None,
            memory: Some(ByteSize::from_kib(3)),
        },
        compile: Some(CompileReport {
            ending: Some(Ending::Exited(0)),
            usage: Usage::default(),
            output: Output::truncated("note"),
            error_output: Output::complete(&b"\xfe"[..]),
        }),
        language_version: Some("3.11.2".to_owned()),
        enforcement: Enforcement {
            cpu: Some("cgroup2".to_owned()),
            ..Enforcement::default()
        },
        hint: Some("Try again".to_owned()),
        ..report(Verdict::MemoryLimit)
    }
}

fn restored(submission: &Submission) -> Submission {
    let mut fields = encode_submission(submission).unwrap();
    let language = submission.language().as_str().as_bytes().to_vec();
    fields.push(("language", language.into()));
    submission::decode(&mut answer(&fields)).unwrap()
}

#[test]
fn a_submission_comes_back_as_it_was() {
    let submission = rich_submission();
    assert_eq!(restored(&submission), submission);
}

#[rstest]
#[case::of_a_run(finished())]
#[case::of_a_run_with_everything(Outcome::of_run(
    rich_report(),
    Output::truncated(&b"\0\xff"[..]),
    Output::complete("oops"),
    None
))]
#[case::wrong_answer(Outcome::of_run(
    report(Verdict::Accepted),
    Output::complete("41"),
    Output::default(),
    Some("42")
))]
#[case::forced(ForcedEnd::RanTooLong.outcome(Output::complete("so far"), Output::default()))]
fn an_outcome_comes_back_as_it_was(#[case] outcome: Outcome) {
    let fields = encode_outcome(&outcome).unwrap();
    assert_eq!(decode_outcome(&mut answer(&fields)).unwrap(), outcome);
}

#[test]
fn an_outcome_that_a_script_made_is_the_one_of_the_domain() {
    let fields: [Field<'_>; 4] = [
        ("verdict", b"internal_error".as_slice().into()),
        ("forced", b"given_up".as_slice().into()),
        ("output", b"so far".as_slice().into()),
        ("error_output", b"".as_slice().into()),
    ];
    let expected = ForcedEnd::GivenUp.outcome(Output::complete("so far"), Output::default());
    assert_eq!(decode_outcome(&mut answer(&fields)).unwrap(), expected);
}

#[test]
fn the_stored_form_of_a_submission_is_pinned() {
    insta::assert_debug_snapshot!(shown(&encode_submission(&rich_submission()).unwrap()));
}

#[test]
fn the_stored_form_of_an_outcome_is_pinned() {
    let outcome = Outcome::of_run(
        rich_report(),
        Output::complete("out"),
        Output::complete("err"),
        None,
    );
    insta::assert_debug_snapshot!(shown(&encode_outcome(&outcome).unwrap()));
}

#[test]
fn a_record_of_a_newer_version_is_told_from_a_damaged_one() {
    let newer: [Field<'_>; 1] = [("fixed", b"2 whatever comes".as_slice().into())];
    let result = decode_execution(execution_id(1), answer(&newer));
    assert!(matches!(result, Err(RecordError::Newer)), "{result:?}");
    let damaged: [Field<'_>; 1] = [("fixed", b"1 owner 1:python 1 1 1 1".as_slice().into())];
    let result = decode_execution(execution_id(1), answer(&damaged));
    assert!(
        matches!(result, Err(RecordError::Missing("state"))),
        "{result:?}"
    );
}

#[test]
fn times_are_kept_to_the_microsecond() {
    let time = at(7) + Duration::from_nanos(123_456_789);
    let kept = moment::from_micros("time", micros(time)).unwrap();
    assert_eq!(kept, at(7) + Duration::from_micros(123_456));
}
