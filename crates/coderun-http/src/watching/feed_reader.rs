//! Reads the messages of one execution for one watcher, from its feed or from the stored events.

use std::sync::Arc;

use actix_web::web;
use coderun_domain::{Execution, Sequence};

use super::feed::{Feed, Feeds};
use super::feed_log::{Cursor, Dialect, Next};
use super::feed_source::StoredEvents;
use super::message::{EncodedMessage, Encoding, FeedError, WatchedExecution, encode_update};
use crate::state::AppState;
use crate::wire::ServerMessage;

/// The messages for one watcher, in order and without gaps. It holds no event that the watcher has not asked for.
pub(crate) struct FeedReader {
    cursor: Cursor,
    /// What comes before the events, last first.
    opening: Vec<Result<EncodedMessage, FeedError>>,
    /// The only update of an execution that was final from the beginning, after the opening.
    last_update: Option<Encoding>,
    /// `None` if the execution was final from the beginning.
    feed: Option<Arc<Feed>>,
    /// Events that are read for this watcher alone, because the log of the feed does not have them.
    stored: Option<Box<StoredEvents>>,
}

impl FeedReader {
    /// Reads what comes after `since`, for a watcher who was allowed to read the execution. Without `since`, and after an error
    /// if it is ahead of the execution, the first message is the execution as it was read.
    pub(crate) fn open(
        state: &web::Data<AppState>,
        execution: &Execution,
        since: Option<Sequence>,
        dialect: Dialect,
    ) -> Self {
        let (is_final, sequence) = (execution.status().is_final(), execution.sequence());
        let is_ahead = since.is_some_and(|since| since > sequence);
        let since = since.filter(|_| !is_ahead);
        let seen = since.unwrap_or(sequence);
        let feed = (!is_final).then(|| Feeds::join(state, execution, seen));
        if let (Dialect::Full, Some(feed)) = (dialect, &feed) {
            feed.want_queue_positions();
        }
        let (mut opening, mut last_update) = (Vec::new(), None);
        if since.is_none() {
            let policy = state.ports.executions.store_policy();
            match &feed {
                Some(feed) => opening.push(feed.snapshot(execution, policy)),
                None => last_update = Some(encode_update(execution.clone(), state)),
            }
        }
        if is_ahead {
            opening.push(EncodedMessage::new(&ServerMessage::since_is_ahead()));
        }
        let lacks_events = is_final && seen < sequence;
        let stored = || Box::new(StoredEvents::new(WatchedExecution::of(execution), seen));
        let mut reader = Self {
            cursor: Cursor::new(dialect, seen),
            opening,
            last_update,
            feed,
            stored: lacks_events.then(stored),
        };
        if state.drain.going_away.is_cancelled() {
            let going_away = reader.take_going_away(state);
            reader.opening.extend(going_away);
        }
        reader
    }

    /// Whether the client has seen everything, and nothing will come any more.
    pub(super) const fn is_complete(&self) -> bool {
        self.opening.is_empty()
            && self.last_update.is_none()
            && self.feed.is_none()
            && self.stored.is_none()
    }

    /// What the client understands.
    pub(super) const fn dialect(&self) -> Dialect {
        self.cursor.dialect
    }

    /// The message that the server is going away, once, if the client understands it.
    pub(super) fn take_going_away(
        &mut self,
        state: &AppState,
    ) -> Option<Result<EncodedMessage, FeedError>> {
        let is_owed = std::mem::take(&mut self.cursor.owes_going_away);
        is_owed.then(|| EncodedMessage::new(&ServerMessage::going_away(state.reconnect_within())))
    }

    /// Waits for the next message that the client understands. `None` after the final event. Cancel-safe.
    ///
    /// # Errors
    /// [`FeedError`]: the events cannot be read any more.
    pub(crate) async fn next(
        &mut self,
        state: &web::Data<AppState>,
    ) -> Result<Option<EncodedMessage>, FeedError> {
        if let Some(message) = self.opening.pop() {
            self.opening.shrink_to_fit();
            return message.map(Some);
        }
        if let Some(encoding) = &mut self.last_update {
            let update = encoding.await;
            self.last_update = None;
            return update.map(|update| Some(update.message));
        }
        loop {
            if let Some(message) = self.next_stored(state).await? {
                return Ok(Some(message));
            }
            let Some(feed) = &self.feed else {
                return Ok(None);
            };
            match feed.next(&mut self.cursor).await {
                Next::Message(message) => return Ok(Some(message)),
                Next::GoingAway => return self.take_going_away(state).transpose(),
                Next::End(end) => return end.map(|()| None),
                Next::Behind(execution) => {
                    let stored = StoredEvents::new(execution, self.cursor.seen);
                    self.stored = Some(Box::new(stored));
                }
            }
        }
    }

    /// The next message that only the store has, or `None` once the log of the feed continues after what was seen.
    async fn next_stored(
        &mut self,
        state: &web::Data<AppState>,
    ) -> Result<Option<EncodedMessage>, FeedError> {
        while let Some(stored) = &mut self.stored {
            let seen = self.cursor.seen;
            let feed = self.feed.as_ref();
            if feed.is_some_and(|feed| feed.continues(seen)) {
                self.stored = None;
                break;
            }
            let Some(event) = stored.next(state).await? else {
                self.stored = None;
                self.feed = None;
                break;
            };
            if let Some(message) = self.cursor.pass(&event) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }
}
