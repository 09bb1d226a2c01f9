//! Subscribes to the stored events of one execution, and encodes them.

use coderun_domain::{EventStream, Sequence};
use futures_util::StreamExt as _;
use futures_util::future::OptionFuture;

use super::message::{EncodedEvent, FeedError, WatchedExecution};
use crate::state::AppState;

/// The events of one execution after a number. The first read subscribes.
pub(super) struct StoredEvents {
    execution: WatchedExecution,
    since: Sequence,
    events: Option<EventStream>,
}

impl StoredEvents {
    pub(super) const fn new(execution: WatchedExecution, since: Sequence) -> Self {
        Self {
            execution,
            since,
            events: None,
        }
    }

    /// Waits for the next event. `None` after the final one. Cancel-safe.
    pub(super) async fn next(
        &mut self,
        state: &AppState,
    ) -> Result<Option<EncodedEvent>, FeedError> {
        let executions = &state.ports.executions;
        if self.events.is_none() {
            self.events = Some(executions.events(self.execution.id, self.since).await?);
        }
        let next = OptionFuture::from(self.events.as_mut().map(|events| events.next()));
        let event = next.await.flatten().transpose()?;
        let encode = |event| self.execution.encode(event, executions.store_policy());
        event.map(encode).transpose()
    }
}
