use std::sync::Arc;

use super::*;

#[rstest]
#[case::stdout(Event::Output(chunk(OutputStream::Stdout, b"\0 \xff\n")))]
#[case::stderr(Event::Output(chunk(OutputStream::Stderr, b"")))]
#[case::awaiting_input(Event::AwaitingInput(Attempt::from_count(12)))]
#[case::pending(Event::Updated(execution().progress().clone()))]
#[case::running(Event::Updated(execution().start(WorkerId::parse("w 1").unwrap(), at(1)).unwrap().progress().clone()))]
#[case::ended(Event::Updated(ended().progress().clone()))]
fn an_event_survives_a_round_trip(#[case] event: Event) {
    let (sequence, outcome) = match &event {
        Event::Updated(progress) => (progress.sequence(), progress.outcome()),
        Event::Output(_) | Event::AwaitingInput(_) => (Sequence::from_number(7), None),
    };
    let stored = encode_event(&event);
    assert_eq!(decode_event(stored, sequence, outcome).unwrap(), event);
}

#[rstest]
#[case::empty("")]
#[case::unknown("x1")]
#[case::output_without_attempt("o hello")]
#[case::output_without_text("o1")]
#[case::waiting_without_attempt("a")]
#[case::waiting_with_more("a1 hello")]
#[case::unknown_state("u dancing 1 1 1 w")]
#[case::state_without_times("u pending 1")]
#[case::final_without_outcome("u final 1 1 1 ")]
fn a_malformed_event_is_refused(#[case] text: &str) {
    let sequence = Sequence::from_number(9);
    let result = decode_event(text.as_bytes().to_vec(), sequence, None);
    let is_refused = matches!(
        result,
        Err(RecordError::Event
            | RecordError::Missing("event")
            | RecordError::Malformed("event", _))
    );
    assert!(is_refused, "{result:?}");
}

#[test]
fn an_outcome_is_shared_with_the_final_event() {
    let outcome = Arc::new(finished());
    let stored = encode_event(&Event::Updated(ended().progress().clone()));
    let event = decode_event(stored, ended().sequence(), Some(&outcome)).unwrap();
    let Event::Updated(progress) = event else {
        panic!("not an update: {event:?}");
    };
    assert!(Arc::ptr_eq(progress.outcome().unwrap(), &outcome));
}
