//! Reads the messages of one execution for one watcher, from its feed or from the stored events.

use std::future::pending;

use actix_web::web;
use coderun_domain::{EventStream, Execution, Sequence, StoredEvent, WatchError};
use futures_util::StreamExt;
use futures_util::future::OptionFuture;
use tokio::sync::watch;

use super::feed::{Cursor, Dialect, FeedLog, Next};
use super::feeds::Feeds;
use super::message::{EncodedMessage, FeedError, WatchedExecution, encode_update};
use crate::state::AppState;
use crate::wire::ServerMessage;

/// The messages for one watcher, in order and without gaps. It holds no event that the watcher has not asked for.
pub(crate) struct FeedReader {
    cursor: Cursor,
    /// What comes before the events, last first.
    opening: Vec<FeedItem>,
    /// `None` if the execution was final from the beginning.
    feed: Option<watch::Receiver<FeedLog>>,
    stored: Option<Box<StoredEvents>>,
}

/// Events that are read for one watcher alone, because the log of the feed does not have them.
struct StoredEvents {
    execution: WatchedExecution,
    /// `None` before the first read.
    events: Option<EventStream>,
}

/// What a watcher receives.
#[derive(Debug)]
pub(crate) enum FeedItem {
    /// A message that the client understands.
    Message(EncodedMessage),
    /// The server is going away. Only for [`Dialect::Full`], and once.
    GoingAway,
    /// The final event was received, or the events cannot be read any more.
    End(Result<(), FeedError>),
}

impl From<Result<EncodedMessage, FeedError>> for FeedItem {
    fn from(encoded: Result<EncodedMessage, FeedError>) -> Self {
        encoded.map_or_else(|error| Self::End(Err(error)), Self::Message)
    }
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
        let joined = (!is_final).then(|| Feeds::join(state, execution, seen));
        if let (Dialect::Full, Some((feed, _))) = (dialect, &joined) {
            feed.queue_wanted.notify_one();
        }
        let mut opening = Vec::new();
        if since.is_none() {
            let policy = state.ports.executions.store_policy();
            opening.push(match &joined {
                Some((feed, _)) => feed.snapshot(execution, policy),
                None => encode_update(execution, policy).map(|snapshot| snapshot.message),
            });
        }
        if is_ahead {
            opening.push(EncodedMessage::new(&ServerMessage::since_is_ahead()));
        }
        let lacks_events = is_final && seen < sequence;
        let mut cursor = Cursor::new(dialect, seen);
        let mut opening: Vec<_> = opening.into_iter().map(FeedItem::from).collect();
        if state.drain.going_away.is_cancelled() && cursor.owes_going_away {
            cursor.owes_going_away = false;
            opening.push(FeedItem::GoingAway);
        }
        Self {
            cursor,
            opening,
            feed: joined.map(|(_, log)| log),
            stored: lacks_events
                .then(|| Box::new(StoredEvents::new(WatchedExecution::of(execution)))),
        }
    }

    /// Whether the client has seen everything, and nothing will come any more.
    pub(super) const fn is_complete(&self) -> bool {
        self.opening.is_empty() && self.feed.is_none() && self.stored.is_none()
    }

    /// What the client understands.
    pub(super) const fn dialect(&self) -> Dialect {
        self.cursor.dialect
    }

    /// Whether [`FeedItem::GoingAway`] is still to come, should the server go away.
    pub(super) const fn owes_going_away(&self) -> bool {
        self.cursor.owes_going_away
    }

    /// Waits for what comes next. Cancel-safe.
    pub(crate) async fn next(&mut self, state: &AppState) -> FeedItem {
        if let Some(item) = self.opening.pop() {
            self.opening.shrink_to_fit();
            return item;
        }
        loop {
            if let Some(stored) = self.next_stored(state).await.transpose() {
                return stored.into();
            }
            let Some(feed) = &mut self.feed else {
                return FeedItem::End(Ok(()));
            };
            let next = feed.borrow_and_update().next(&mut self.cursor);
            match next {
                Next::Message(message) => return FeedItem::Message(message),
                Next::GoingAway => return FeedItem::GoingAway,
                Next::End(end) => return FeedItem::End(end),
                Next::Behind(execution) => {
                    self.stored = Some(Box::new(StoredEvents::new(execution)));
                }
                Next::UpToDate => {
                    if feed.changed().await.is_err() {
                        // A feed stops without an end only when the server ends, which each watcher is told by other means.
                        return pending().await;
                    }
                }
            }
        }
    }

    /// The next message that only the store has, or `None` once the log of the feed continues after what was seen.
    async fn next_stored(&mut self, state: &AppState) -> Result<Option<EncodedMessage>, FeedError> {
        let policy = state.ports.executions.store_policy();
        while let Some(stored) = &mut self.stored {
            let seen = self.cursor.seen;
            let continues = |feed: &watch::Receiver<FeedLog>| feed.borrow().continues(seen);
            if self.feed.as_ref().is_some_and(continues) {
                self.stored = None;
                break;
            }
            let Some(event) = stored.next(state, seen).await? else {
                self.stored = None;
                self.feed = None;
                break;
            };
            let event = stored.execution.encode(event, policy)?;
            if let Some(message) = self.cursor.pass(&event) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }
}

impl StoredEvents {
    const fn new(execution: WatchedExecution) -> Self {
        Self {
            execution,
            events: None,
        }
    }

    /// The next event, or `None` after the final one.
    async fn next(
        &mut self,
        state: &AppState,
        seen: Sequence,
    ) -> Result<Option<StoredEvent>, WatchError> {
        if self.events.is_none() {
            let executions = &state.ports.executions;
            self.events = Some(executions.events(self.execution.id, seen).await?);
        }
        let next = OptionFuture::from(self.events.as_mut().map(StreamExt::next));
        next.await.flatten().transpose()
    }
}
