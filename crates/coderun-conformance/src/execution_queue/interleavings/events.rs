//! Checks that the events of an execution are consistent with its record.

use coderun_domain::{Event, ExecutionId, OutputChunk, Status};

use crate::Backend;
use crate::fixtures::{numbers, progress_of};

/// Asserts that the events of an execution are numbered without a gap, never go back, end in the state of the record, and
/// hold output of the running attempt only.
pub(super) async fn assert_well_formed(backend: &Backend, id: ExecutionId) {
    let record = backend.get(id).await;
    let events = backend.events(id).await;
    let expected: Vec<u64> = (1..=record.sequence().number()).collect();
    assert_eq!(numbers(&events), expected);
    let mut last = progress_of(&events[0]);
    for stored in &events[1..] {
        assert!(!last.status().is_final(), "nothing comes after the end");
        match &stored.event {
            Event::Updated(progress) => {
                assert_eq!(progress.sequence(), stored.sequence);
                assert!(progress.attempt() >= last.attempt());
                assert!(progress.updated_at() >= last.updated_at());
                last = progress;
            }
            Event::Output(OutputChunk { attempt, .. }) | Event::AwaitingInput(attempt) => {
                assert_eq!(last.status(), Status::Running);
                assert_eq!(*attempt, last.attempt());
            }
        }
    }
    assert_eq!(last.state(), record.state());
    assert!(last.updated_at() <= record.progress().updated_at());
}
