//! Reads the stored events of one execution, and what else its feed tells: the queue position, and that the server goes away.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::web;
use coderun_domain::{EventStream, Execution, ExecutionId, Sequence, Status, StoredEvent};
use futures_util::future::OptionFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::feed_log::FeedChange;
use super::message::{EncodedEvent, Encoding, FeedError, WatchedExecution};
use super::queue_progress::QueueProgress;
use crate::state::AppState;

/// Where the changes of one feed come from.
pub(super) struct FeedSource {
    state: web::Data<AppState>,
    events: StoredEvents,
    /// `None` once the execution does not wait any more.
    queue: Option<QueueProgress>,
    /// Notified when a watcher understands queue positions.
    queue_wanted: Arc<Notify>,
    is_going_away: bool,
    /// `None` where it matters to nobody that the execution is watched.
    watcher_notes: Option<WatcherNotes>,
}

impl FeedSource {
    /// The source of a feed of what comes after `start`.
    pub(super) fn new(
        state: web::Data<AppState>,
        execution: &Execution,
        start: Sequence,
        queue_wanted: Arc<Notify>,
    ) -> Self {
        let is_pending = execution.reported_status() == Status::Pending;
        Self {
            state,
            events: StoredEvents::new(WatchedExecution::of(execution), start),
            queue: is_pending.then(|| QueueProgress::new(Box::new(execution.clone()))),
            queue_wanted,
            is_going_away: false,
            watcher_notes: execution
                .submission()
                .is_interactive()
                .then(|| WatcherNotes::of(execution.id())),
        }
    }

    /// The changes, up to the end of the feed.
    pub(super) fn into_changes(self) -> BoxStream<'static, FeedChange> {
        let changes = stream::unfold(self, |mut source| async move {
            let change = source.next().await;
            let change = change.unwrap_or_else(|error| FeedChange::End(Err(error)));
            Some((change, source))
        });
        changes.boxed()
    }

    async fn next(&mut self) -> Result<FeedChange, FeedError> {
        let (state, going_away) = (&self.state, &self.state.drain.going_away);
        let queue = self.queue.as_mut();
        let position = queue.map(|queue| queue.next_update(state, &self.queue_wanted));
        let notes = self.watcher_notes.as_mut();
        let noting = notes.map(|notes| notes.keep(state));
        tokio::select! {
            // The subscription comes before the position, which is only a courtesy.
            biased;
            Some(never) = OptionFuture::from(noting) => match never {},
            () = going_away.cancelled(), if !self.is_going_away => {
                self.is_going_away = true;
                Ok(FeedChange::GoingAway)
            }
            event = self.events.next(state) => {
                let Some(event) = event? else {
                    return Ok(FeedChange::End(Ok(())));
                };
                if event.update.is_some_and(|status| status != Status::Pending) {
                    self.queue = None;
                }
                Ok(FeedChange::Event(event))
            }
            Some(message) = OptionFuture::from(position) => {
                message.map(FeedChange::QueuePosition)
            }
        }
    }
}

/// Notes again and again that an execution is watched.
struct WatcherNotes {
    id: ExecutionId,
    next: Instant,
}

impl WatcherNotes {
    fn of(id: ExecutionId) -> Self {
        let next = Instant::now();
        Self { id, next }
    }

    /// Notes it whenever it is due. Cancel-safe: what was not noted yet is due again at once.
    async fn keep(&mut self, state: &AppState) -> Infallible {
        loop {
            sleep_until(self.next).await;
            state.ports.executions.note_watcher(self.id).await;
            self.next = Instant::now() + state.config.sockets.watcher_interval;
        }
    }
}

/// The events of one execution after a number. The first read subscribes.
pub(super) struct StoredEvents {
    execution: WatchedExecution,
    since: Sequence,
    events: Option<EventStream>,
    /// The event that was read last, until it is encoded.
    encoding: Option<Encoding>,
}

impl StoredEvents {
    pub(super) const fn new(execution: WatchedExecution, since: Sequence) -> Self {
        Self {
            execution,
            since,
            events: None,
            encoding: None,
        }
    }

    /// Waits for the next event. `None` after the final one. Cancel-safe.
    pub(super) async fn next(
        &mut self,
        state: &web::Data<AppState>,
    ) -> Result<Option<EncodedEvent>, FeedError> {
        if self.encoding.is_none() {
            let event = self.read(state).await?;
            self.encoding = event.map(|event| self.execution.encode(event, state));
        }
        let encoded = OptionFuture::from(self.encoding.as_mut()).await;
        self.encoding = None;
        encoded.transpose()
    }

    async fn read(&mut self, state: &AppState) -> Result<Option<StoredEvent>, FeedError> {
        if self.events.is_none() {
            let executions = &state.ports.executions;
            self.events = Some(executions.events(self.execution.id, self.since).await?);
        }
        let next = OptionFuture::from(self.events.as_mut().map(|events| events.next()));
        Ok(next.await.flatten().transpose()?)
    }
}
