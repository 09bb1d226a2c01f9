//! The story of one execution, told from where the watcher wants it.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream as streams};

use coderun_domain::{
    Attempt, Event, EventStream, Execution, OutputChunk, Sequence, StoredEvent, WatchError,
};

/// What a watcher learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// The execution stands like this now.
    Updated(Box<Execution>),
    /// The program wrote something.
    Output {
        /// The number of the event.
        sequence: Sequence,
        /// What it wrote.
        chunk: OutputChunk,
    },
    /// The program waits for input and has none.
    AwaitingInput {
        /// The number of the event.
        sequence: Sequence,
        /// By which attempt.
        attempt: Attempt,
    },
}

/// What a watcher learns, in order.
pub type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchEvent, WatchError>> + Send>>;

/// Puts the snapshot, unless the watcher has seen it, before the events that come after it.
pub(super) fn stream(
    execution: Execution,
    since: Option<Sequence>,
    events: EventStream,
) -> WatchStream {
    let snapshot = match since {
        None => Some(Ok(WatchEvent::Updated(Box::new(execution.clone())))),
        Some(_) => None,
    };
    let following = events.map(move |stored| stored.map(|stored| told(&execution, stored)));
    Box::pin(streams::iter(snapshot).chain(following))
}

fn told(execution: &Execution, stored: StoredEvent) -> WatchEvent {
    match stored.event {
        Event::Updated(progress) => {
            let submission = Arc::clone(execution.submission());
            let shown = Execution::restore(execution.id(), submission, progress);
            WatchEvent::Updated(Box::new(shown))
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
