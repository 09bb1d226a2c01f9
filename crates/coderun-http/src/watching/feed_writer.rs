//! Writes a feed: receives the events of its execution, encodes each once and tells all watchers.

use std::sync::Arc;

use actix_web::web;
use coderun_domain::{Event, Execution, Sequence, Status, StoredEvent};
use futures_util::StreamExt as _;
use futures_util::future::OptionFuture;

use super::feed::{Feed, FeedLog};
use super::message::{FeedError, WatchedExecution};
use super::queue_progress::QueueProgress;
use crate::state::AppState;

/// The task that writes a feed until the execution is final, the subscription fails or the last watcher leaves.
pub(super) struct FeedWriter {
    state: web::Data<AppState>,
    feed: Arc<Feed>,
    execution: WatchedExecution,
    start: Sequence,
    /// `None` once the execution does not wait any more.
    queue: Option<QueueProgress>,
    /// The failure that watchers are told when this is dropped.
    failure: Option<FeedError>,
}

impl FeedWriter {
    /// The writer of a new feed, for the events after `start`.
    pub(super) fn new(
        state: web::Data<AppState>,
        feed: Arc<Feed>,
        execution: &Execution,
        start: Sequence,
    ) -> Self {
        let is_pending = execution.reported_status() == Status::Pending;
        Self {
            queue: is_pending.then(|| QueueProgress::new(Box::new(execution.clone()))),
            state,
            feed,
            execution: WatchedExecution::of(execution),
            start,
            failure: Some(FeedError::Stopped),
        }
    }

    /// Writes the feed to its end.
    pub(super) async fn run(mut self) {
        let state = self.state.clone();
        // When the server ends, each watcher is told so by itself.
        let written = state.drain.end.run_until_cancelled(self.write()).await;
        self.failure = written.and_then(Result::err);
    }

    /// Returns after the last event, or once the last watcher has left.
    async fn write(&mut self) -> Result<(), FeedError> {
        let (state, feed) = (self.state.clone(), Arc::clone(&self.feed));
        let (id, drain) = (self.execution.id, &state.drain);
        let mut events = state.ports.executions.events(id, self.start).await?;
        let mut is_going_away = false;
        loop {
            let queue = self.queue.as_mut();
            let position = queue.map(|queue| queue.next_update(&state, &feed.queue_wanted));
            tokio::select! {
                () = feed.log.closed() => {
                    if state.feeds.remove_unwatched(id, &feed) {
                        return Ok(());
                    }
                }
                () = drain.going_away.cancelled(), if !is_going_away => {
                    is_going_away = true;
                    feed.log.send_modify(FeedLog::announce_going_away);
                }
                Some(message) = OptionFuture::from(position) => {
                    let message = message?;
                    feed.log.send_modify(|log| log.set_queue_position(message));
                }
                event = events.next() => {
                    let event = event.transpose()?;
                    let is_last = event.as_ref().is_none_or(|event| event.event.is_final());
                    self.tell(event, is_last)?;
                    if is_last {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Puts an event into the log, and with the last one the end.
    fn tell(&mut self, stored: Option<StoredEvent>, is_last: bool) -> Result<(), FeedError> {
        if let Some(Event::Updated(progress)) = stored.as_ref().map(|stored| &stored.event)
            && progress.reported_status() != Status::Pending
        {
            self.queue = None;
        }
        let policy = self.state.ports.executions.store_policy();
        let encode = |stored| self.execution.encode(stored, policy);
        let event = stored.map(encode).transpose()?;
        let still_waits = self.queue.is_some();
        self.feed.log.send_modify(|log| {
            if let Some(event) = event {
                log.push(event);
            }
            if !still_waits {
                log.clear_queue_position();
            }
            if is_last {
                log.close(Ok(()));
            }
        });
        Ok(())
    }
}

impl Drop for FeedWriter {
    fn drop(&mut self) {
        self.state.feeds.remove(self.execution.id, &self.feed);
        if let Some(failure) = self.failure.take() {
            self.feed.log.send_modify(|log| log.close(Err(failure)));
        }
    }
}
