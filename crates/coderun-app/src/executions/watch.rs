//! Turns a snapshot and the events after it into one stream for a watcher.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream as streams};

use coderun_domain::{
    Attempt, Event, EventStream, Execution, OutputChunk, Sequence, StoredEvent, WatchError,
};

/// One item of a [`WatchStream`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// The execution changed to this.
    Updated(Box<Execution>),
    /// The program wrote something.
    Output {
        /// The number of the event.
        sequence: Sequence,
        /// The output.
        chunk: OutputChunk,
    },
    /// The program waits for input and has none.
    AwaitingInput {
        /// The number of the event.
        sequence: Sequence,
        /// The attempt that waits.
        attempt: Attempt,
    },
}

/// A snapshot, if the watcher wants one, and the events after it in order.
pub type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchEvent, WatchError>> + Send>>;

/// Puts the snapshot, unless the watcher has seen it, before the events that come after it.
pub(super) fn stream(
    execution: Execution,
    since: Option<Sequence>,
    events: EventStream,
) -> WatchStream {
    let snapshot = WatchEvent::Updated(Box::new(execution.clone()));
    let snapshot = since.is_none().then_some(Ok(snapshot));
    let following = events.map(move |stored| stored.map(|stored| watch_event(&execution, stored)));
    Box::pin(streams::iter(snapshot).chain(following))
}

fn watch_event(execution: &Execution, stored: StoredEvent) -> WatchEvent {
    match stored.event {
        Event::Updated(progress) => {
            let submission = Arc::clone(execution.submission());
            let updated = Execution::restore(execution.id(), submission, progress);
            WatchEvent::Updated(Box::new(updated))
        }
        Event::Output(chunk) => WatchEvent::Output {
            sequence: stored.sequence,
            chunk,
        },
        Event::AwaitingInput(attempt) => WatchEvent::AwaitingInput {
            sequence: stored.sequence,
            attempt,
        },
    }
}
