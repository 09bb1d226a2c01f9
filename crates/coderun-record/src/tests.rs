mod events;

use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{
    at, draft, execution, execution_id, finished, language, report, submission, user, worker_offer,
};
use coderun_domain::{
    Admission, Attempt, ByteSize, CompileReport, DraftFile, Enforcement, Event, Execution,
    ExitStatus, ForcedEnd, InputPiece, LanguageLimits, Outcome, Output, OutputChunk, OutputStream,
    Report, RequestedLimits, Sequence, Signal, Submission, SubmissionDraft, UnavailableCause,
    UnavailableLanguage, Usage, Verdict, WorkerId, WorkerOffer,
};
use rstest::rstest;

use super::*;

/// The fields as a store returns them.
fn stored(fields: &[Field<'_>]) -> Fields {
    let pairs = fields.iter();
    Fields::from_pairs(
        pairs
            .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
            .collect(),
    )
}

fn shown(fields: &[Field<'_>]) -> Vec<String> {
    let show = |(name, value): &Field<'_>| match str::from_utf8(value) {
        Ok(text) => format!("{name}: {text}"),
        Err(_) => format!("{name}: {}", value.escape_ascii()),
    };
    fields.iter().map(show).collect()
}

/// A submission with a value in every field.
fn rich_submission() -> Submission {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let draft = SubmissionDraft {
        code: "print('h\u{e9}llo \u{1f600}')\0".to_owned(),
        input: "4\n2".to_owned(),
        args: vec!["-v".to_owned(), String::new()],
        files: vec![
            DraftFile::new("data/a.bin", b"\0\xff".as_slice()),
            DraftFile::new("b", ""),
            DraftFile::new("c.txt", "see"),
        ],
        expected_output: Some("42".to_owned()),
        interactive: true,
        buffering: Some("full".to_owned()),
        trace: Some(trace.parse().unwrap()),
        ..draft()
    };
    submission(user("alice"), draft)
}

fn rich_report() -> Report {
    Report {
        exit_status: Some(ExitStatus::Signaled(Signal::KILL)),
        usage: Usage {
            cpu_time: Some(Duration::new(1, 1)),
            wall_time: None,
            memory: Some(ByteSize::from_kib(3)),
        },
        compile: Some(CompileReport {
            exit_status: Some(ExitStatus::Exited(0)),
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

fn chunk(stream: OutputStream, bytes: &'static [u8]) -> OutputChunk {
    OutputChunk {
        stream,
        bytes: Bytes::from_static(bytes),
        attempt: Attempt::from_count(2),
    }
}

fn running() -> Execution {
    let worker = WorkerId::parse("worker 1").unwrap();
    let started = execution().start(worker, at(1)).unwrap();
    started.count_events(3, at(2)).unwrap()
}

fn ended() -> Execution {
    running().finish(finished(), at(3)).unwrap()
}

#[rstest]
#[case::plain(submission(user("alice"), draft()))]
#[case::with_everything(rich_submission())]
fn a_submission_survives_a_round_trip(#[case] submission: Submission) {
    let fields = encode_submission(&submission).unwrap();
    assert_eq!(decode_submission(&mut stored(&fields)).unwrap(), submission);
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
fn an_outcome_survives_a_round_trip(#[case] outcome: Outcome) {
    let fields = encode_outcome(&outcome).unwrap();
    assert_eq!(decode_outcome(&mut stored(&fields)).unwrap(), outcome);
}

#[test]
fn a_forced_outcome_is_read_as_the_domain_makes_it() {
    let fields: [Field<'_>; 4] = [
        ("verdict", b"internal_error".as_slice().into()),
        ("forced", b"given_up".as_slice().into()),
        ("output", b"so far".as_slice().into()),
        ("error_output", b"".as_slice().into()),
    ];
    let expected = ForcedEnd::GivenUp.outcome(Output::complete("so far"), Output::default());
    assert_eq!(decode_outcome(&mut stored(&fields)).unwrap(), expected);
}

#[rstest]
#[case::pending(execution())]
#[case::running(running())]
#[case::given_back(running().release(at(4)).unwrap())]
#[case::ended(ended())]
fn an_execution_survives_a_round_trip(#[case] execution: Execution) {
    let mut fields = encode_submission(execution.submission()).unwrap();
    fields.extend(encode_progress(execution.progress()).unwrap());
    let decoded = decode_execution(execution.id(), stored(&fields)).unwrap();
    assert_eq!(decoded, execution);
}

#[rstest]
#[case::bytes(InputPiece::Data(Bytes::from_static(b"\0e\xff\n")))]
#[case::end(InputPiece::End)]
fn a_piece_of_input_survives_a_round_trip(#[case] piece: InputPiece) {
    assert_eq!(decode_input(encode_input(&piece)).unwrap(), piece);
}

#[rstest]
#[case("")]
#[case("d")]
#[case("e4")]
#[case("42")]
fn a_malformed_piece_of_input_is_refused(#[case] text: &str) {
    let result = decode_input(text.as_bytes().to_vec());
    assert!(matches!(result, Err(RecordError::Input)), "{result:?}");
}

#[test]
fn an_admission_survives_a_round_trip() {
    let admission = Admission {
        user: user("alice {of} the garden"),
        expires_at: at(30),
    };
    let stored = encode_admission(&admission);
    assert_eq!(decode_admission(&stored).unwrap(), admission);
}

/// An offer with a value in each field.
fn worker_offer_in_outage() -> WorkerOffer {
    let mut offer = WorkerOffer {
        outage: Some("the runner is overloaded".to_owned()),
        ..worker_offer("worker-1")
    };
    offer.languages[0].limits = LanguageLimits {
        default: RequestedLimits {
            cpu_time_ms: Some(1),
            wall_time_ms: Some(2),
            memory_bytes: Some(3),
            output_bytes: Some(4),
            processes: Some(5),
        },
        minimum: RequestedLimits {
            memory_bytes: Some(6),
            ..RequestedLimits::default()
        },
    };
    offer.unavailable = [
        (Some("3.12"), UnavailableCause::BeingChecked),
        (
            None,
            UnavailableCause::Failing("its folder is gone".to_owned()),
        ),
    ]
    .map(|(version, cause)| UnavailableLanguage {
        language: language("python"),
        aliases: vec!["py".to_owned()],
        version: version.map(str::to_owned),
        cause,
    })
    .to_vec();
    offer
}

#[test]
fn an_offer_survives_a_round_trip() {
    let offer = worker_offer_in_outage();
    let record = encode_offer(&offer, at(30)).unwrap();
    let stored = StoredOffer::read(&record).unwrap();
    assert_eq!(stored.expires(), at(30));
    assert_eq!(stored.decode().unwrap(), offer);
}

/// As versions before interactive programs wrote them.
#[test]
fn fields_that_were_added_later_may_be_missing() {
    let plain = submission(user("alice"), draft());
    let json = br#"{"version":"3.11.2","args":[],"files":[],"limits":{"run":{"cpu_time_us":5000000,"wall_time_us":15000000,"memory_bytes":268435456,"processes":64},"compile":{"cpu_time_us":15000000,"wall_time_us":30000000,"memory_bytes":1073741824,"processes":64},"output_bytes":1048576,"file_size_bytes":16777216,"disk_bytes":67108864,"open_files":256}}"#;
    let mut earlier = encode_submission(&plain).unwrap();
    for (name, value) in &mut earlier {
        assert_ne!(*name, "interactive");
        if *name == "submission" {
            *value = json.as_slice().into();
        }
    }
    assert_eq!(decode_submission(&mut stored(&earlier)).unwrap(), plain);
    let record = encode_offer(&worker_offer("worker-1"), at(30)).unwrap();
    let mut record = String::from_utf8(record).unwrap();
    for later in [
        ",\"interactive\":true",
        ",\"limits\":{\"default\":{},\"minimum\":{}}",
    ] {
        let earlier = record.replace(later, "");
        assert_ne!(earlier, record);
        record = earlier;
    }
    let offer = StoredOffer::read(record.as_bytes()).unwrap().decode();
    let offer = offer.unwrap();
    assert!(!offer.runner.interactive);
    assert_eq!(offer.languages, worker_offer("worker-1").languages);
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
fn the_stored_forms_of_progress_are_pinned() {
    let forms = [execution(), running(), ended()].map(|execution| {
        let fields = encode_progress(execution.progress()).unwrap();
        shown(&fields[..1])
    });
    insta::assert_debug_snapshot!(forms.concat());
}

#[test]
fn the_stored_forms_of_events_are_pinned() {
    let events = [
        Event::Updated(execution().progress().clone()),
        Event::Updated(running().progress().clone()),
        Event::Output(chunk(OutputStream::Stdout, b"out")),
        Event::Output(chunk(OutputStream::Stderr, b"err")),
        Event::AwaitingInput(Attempt::from_count(1)),
        Event::Updated(ended().progress().clone()),
    ];
    let forms = events.map(|event| String::from_utf8(encode_event(&event)).unwrap());
    insta::assert_debug_snapshot!(forms);
}

#[test]
fn the_stored_forms_of_input_and_tickets_are_pinned() {
    let pieces = [
        InputPiece::Data(Bytes::from_static(b"42\n")),
        InputPiece::End,
    ];
    let [data, end] = pieces.map(|piece| String::from_utf8(encode_input(&piece)).unwrap());
    let admission = encode_admission(&Admission {
        user: user("alice"),
        expires_at: at(30),
    });
    insta::assert_debug_snapshot!([data, end, admission]);
}

#[test]
fn the_stored_form_of_an_offer_is_pinned() {
    let record = encode_offer(&worker_offer_in_outage(), at(30)).unwrap();
    insta::assert_snapshot!(String::from_utf8(record).unwrap());
}

#[test]
fn a_record_of_a_newer_version_is_distinguished_from_a_damaged_one() {
    let newer: [Field<'_>; 1] = [("progress", b"3 whatever comes".as_slice().into())];
    let result = decode_execution(execution_id(1), stored(&newer));
    assert!(matches!(result, Err(RecordError::Newer)), "{result:?}");
    let damaged: [Field<'_>; 1] = [("progress", b"2 pending".as_slice().into())];
    let result = decode_execution(execution_id(1), stored(&damaged));
    assert!(
        matches!(result, Err(RecordError::Missing("progress"))),
        "{result:?}"
    );
}

#[test]
fn times_are_kept_to_the_microsecond() {
    let time = at(7) + Duration::from_nanos(123_456_789);
    let kept = from_micros("time", micros(time)).unwrap();
    assert_eq!(kept, at(7) + Duration::from_micros(123_456));
}

#[test]
fn debug_of_fields_shows_their_number_only() {
    let fields = stored(&encode_submission(&rich_submission()).unwrap());
    assert_eq!(format!("{fields:?}"), "Fields(8)");
}
