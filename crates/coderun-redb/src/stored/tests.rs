use coderun_domain::testing::{at, finished, interactive_execution};
use coderun_domain::{Attempt, InputId, InputPiece, SenderId, WorkerId};
use coderun_ledger::{Holder, Kept, KeptInput, Settled};
use coderun_record::RecordError;

use super::*;

fn holder() -> Holder {
    Holder {
        worker: WorkerId::parse("a worker").unwrap(),
        started_at: at(7),
        attempt: Attempt::from_count(2),
    }
}

/// A record that runs and has one of everything.
fn full() -> Kept {
    let senders = [(1, 5), (u128::MAX, 1)].map(|(sender, number)| InputId {
        sender: SenderId::from_number(sender),
        number,
    });
    let worker = WorkerId::parse("a worker").unwrap();
    Kept {
        order: 9,
        execution: interactive_execution().start(worker, at(7)).unwrap(),
        cancel_requested: true,
        settled: Some(Settled::Released(holder())),
        events: Vec::new(),
        input: Some(KeptInput {
            dropped: 3,
            pieces: Vec::new(),
            senders: senders.to_vec(),
        }),
    }
}

fn final_one() -> Kept {
    let worker = WorkerId::parse("a worker").unwrap();
    let running = interactive_execution().start(worker, at(7)).unwrap();
    Kept {
        execution: running.finish(finished(), at(8)).unwrap(),
        cancel_requested: false,
        settled: Some(Settled::Finished(holder())),
        input: None,
        ..full()
    }
}

fn round_trip(kept: &Kept) -> Kept {
    let submission = encode_submission_of(kept).unwrap();
    let progress = encode_progress_of(kept).unwrap();
    decode_kept(kept.order, &submission, &progress).unwrap()
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let plain = Kept {
        settled: None,
        ..final_one()
    };
    for kept in [full(), final_one(), plain] {
        let read = round_trip(&kept);
        assert_eq!(read.execution, kept.execution);
        assert_eq!(format!("{read:?}"), format!("{kept:?}"));
    }
}

/// The bytes, with what cannot be printed escaped.
fn shown(packed: &[u8]) -> String {
    packed.escape_ascii().to_string()
}

#[test]
fn the_stored_form_of_a_submission_is_pinned() {
    insta::assert_snapshot!(shown(&encode_submission_of(&full()).unwrap()));
}

#[test]
fn the_stored_form_of_progress_is_pinned() {
    insta::assert_snapshot!(shown(&encode_progress_of(&full()).unwrap()));
}

#[test]
fn the_stored_form_of_a_final_state_is_pinned() {
    insta::assert_snapshot!(shown(&encode_progress_of(&final_one()).unwrap()));
}

#[test]
fn the_stored_form_of_single_strings_is_pinned() {
    let piece = coderun_record::encode_input(&InputPiece::Data(b"a\0".as_slice().into()));
    assert_eq!(pack_one(&piece), b"\x01da\0");
    assert_eq!(unpack_one(b"\x01da\0").unwrap(), piece);
}

#[test]
fn what_has_no_version_or_a_newer_one_is_not_read() {
    assert!(matches!(unpack_one(b""), Err(RecordError::Missing(_))));
    assert!(matches!(unpack_one(b"\x02d"), Err(RecordError::Newer)));
}

#[test]
fn whatever_is_cut_off_is_noticed() {
    let kept = full();
    let submission = encode_submission_of(&kept).unwrap();
    let progress = encode_progress_of(&kept).unwrap();
    for length in 0..progress.len() {
        let read = decode_kept(9, &submission, &progress[..length]);
        let whole_fields_less = read.as_ref().is_ok_and(|read| {
            read.settled.is_none() || read.input.is_none() || !read.cancel_requested
        });
        assert!(read.is_err() || whole_fields_less, "{length} bytes");
    }
}

#[test]
fn fields_of_our_own_that_are_not_as_they_should_be_are_refused() {
    let kept = full();
    let submission = encode_submission_of(&kept).unwrap();
    let progress = String::from_utf8(encode_progress_of(&kept).unwrap()).unwrap();
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
            decode_kept(9, &submission, spoiled.as_bytes()).is_err(),
            "{bad}"
        );
    }
}
