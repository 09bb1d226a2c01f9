use coderun_domain::testing::{at, finished, interactive_execution};
use coderun_domain::{Attempt, InputId, InputPiece, SenderId, WorkerId};
use coderun_ledger::{InputSnapshot, LeaseEnd, LeaseHolder, RecordSnapshot};
use coderun_record::RecordError;

use super::*;

fn holder() -> LeaseHolder {
    LeaseHolder {
        worker: WorkerId::parse("a worker").unwrap(),
        started_at: at(7),
        attempt: Attempt::from_count(2),
    }
}

/// A running record that has a value in every field.
fn full() -> RecordSnapshot {
    let senders = [(1, 5), (u128::MAX, 1)].map(|(sender, number)| InputId {
        sender: SenderId::from_number(sender),
        number,
    });
    let worker = WorkerId::parse("a worker").unwrap();
    RecordSnapshot {
        order: 9,
        execution: interactive_execution().start(worker, at(7)).unwrap(),
        cancel_requested: true,
        lease_end: Some(LeaseEnd::Released(holder())),
        events: Vec::new(),
        input: Some(InputSnapshot {
            dropped: 3,
            pieces: Vec::new(),
            senders: senders.to_vec(),
        }),
    }
}

fn final_one() -> RecordSnapshot {
    let worker = WorkerId::parse("a worker").unwrap();
    let running = interactive_execution().start(worker, at(7)).unwrap();
    RecordSnapshot {
        execution: running.finish(finished(), at(8)).unwrap(),
        cancel_requested: false,
        lease_end: Some(LeaseEnd::Finished(holder())),
        input: None,
        ..full()
    }
}

fn round_trip(record: &RecordSnapshot) -> RecordSnapshot {
    let submission = pack_submission(record).unwrap();
    let progress = pack_progress(record).unwrap();
    unpack_record(record.order, &submission, &progress).unwrap()
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let plain = RecordSnapshot {
        lease_end: None,
        ..final_one()
    };
    for record in [full(), final_one(), plain] {
        let read = round_trip(&record);
        assert_eq!(read.execution, record.execution);
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
    }
}

/// The bytes, with unprintable ones escaped.
fn shown(packed: &[u8]) -> String {
    packed.escape_ascii().to_string()
}

#[test]
fn the_stored_form_of_a_submission_is_pinned() {
    insta::assert_snapshot!(shown(&pack_submission(&full()).unwrap()));
}

#[test]
fn the_stored_form_of_progress_is_pinned() {
    insta::assert_snapshot!(shown(&pack_progress(&full()).unwrap()));
}

#[test]
fn the_stored_form_of_a_final_state_is_pinned() {
    insta::assert_snapshot!(shown(&pack_progress(&final_one()).unwrap()));
}

#[test]
fn the_stored_form_of_one_byte_string_is_pinned() {
    let piece = coderun_record::encode_input(&InputPiece::Data(b"a\0".as_slice().into()));
    assert_eq!(pack_one(&piece), b"\x01da\0");
    assert_eq!(unpack_one(b"\x01da\0").unwrap(), piece);
}

#[test]
fn a_value_without_a_version_or_of_a_newer_one_is_refused() {
    assert!(matches!(unpack_one(b""), Err(RecordError::Missing(_))));
    assert!(matches!(unpack_one(b"\x02d"), Err(RecordError::Newer)));
}

#[test]
fn a_truncated_record_is_refused_or_lacks_whole_fields() {
    let record = full();
    let submission = pack_submission(&record).unwrap();
    let progress = pack_progress(&record).unwrap();
    for length in 0..progress.len() {
        let read = unpack_record(9, &submission, &progress[..length]);
        let whole_fields_less = read.as_ref().is_ok_and(|read| {
            read.lease_end.is_none() || read.input.is_none() || !read.cancel_requested
        });
        assert!(read.is_err() || whole_fields_less, "{length} bytes");
    }
}

#[test]
fn malformed_fields_are_refused() {
    let record = full();
    let submission = pack_submission(&record).unwrap();
    let progress = String::from_utf8(pack_progress(&record).unwrap()).unwrap();
    for (good, bad) in [
        ("released", "Released"),
        ("released 2", "released x"),
        ("3 0000", "x 0000"),
        (":5 ", "-5 "),
        (":5 ", ":x "),
    ] {
        let spoiled = progress.replacen(good, bad, 1);
        assert_ne!(spoiled, progress, "{good}");
        assert!(
            unpack_record(9, &submission, spoiled.as_bytes()).is_err(),
            "{bad}"
        );
    }
}
