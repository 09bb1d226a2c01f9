//! Compares the events of an execution with what its programs wrote.

use std::collections::BTreeMap;

use coderun_domain::{Attempt, Event, ExecutionId};

use super::events::assert_well_formed;
use super::run::Run;
use super::step::outcome_of;
use crate::Backend;
use crate::fixtures::text_of;

/// Asserts that each attempt has a beginning of what its program wrote, each text once and in order: at least what was
/// confirmed to the worker, and all of it if this attempt ended the execution.
pub(super) async fn assert_transcript<'a>(
    backend: &Backend,
    id: ExecutionId,
    run_of: impl Fn(Attempt) -> Option<&'a Run>,
) {
    let Some(record) = backend.find(id).await else {
        return;
    };
    assert_well_formed(backend, id).await;
    let mut stored: BTreeMap<Attempt, Vec<String>> = BTreeMap::new();
    for attempt in 1..=record.attempt().count() {
        stored.insert(Attempt::from_count(attempt), Vec::new());
    }
    for event in backend.events(id).await {
        if let Event::Output(chunk) = &event.event {
            stored
                .get_mut(&chunk.attempt)
                .unwrap()
                .push(text_of(&event).to_owned());
        }
    }
    for (attempt, texts) in stored {
        let run = run_of(attempt).unwrap();
        assert!(
            run.texts.starts_with(&texts),
            "{texts:?} of {:?}",
            run.texts
        );
        assert!(texts.len() >= run.confirmed, "confirmed events are lost");
        let outcome = outcome_of(run.lease());
        let is_its_end = record.outcome().is_some_and(|it| **it == outcome);
        assert_eq!(run.finished_with, is_its_end.then_some(texts.len()));
    }
}
