//! Implements [`Notifier`]: delivers the events that the feed tells, and reads what it has missed.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{EventStream, ExecutionId, Notifier, Sequence, StoredEvent, WatchError};
use futures_util::stream;

use crate::adapter_error::AdapterError;
use crate::event_pages::EventPages;
use crate::feed::{Feed, Watcher};

/// The notifier of a backend.
#[derive(Debug)]
pub(crate) struct RedisNotifier {
    pub(crate) events: Arc<EventPages>,
    pub(crate) feed: Arc<Feed>,
}

#[async_trait]
impl Notifier for RedisNotifier {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        let mut reader = EventReader {
            stored: Arc::clone(&self.events),
            // The feed tells what happens from now on, so nothing is lost between the first read and later events.
            watcher: self.feed.watch(id, self.events.interval),
            id,
            seen: since,
            last: Sequence::START,
            created: None,
            has_ended: false,
            page: Vec::new().into_iter(),
        };
        let reading = async {
            if reader.watcher.must_read(since, since) {
                reader.read().await?;
            }
            Ok::<_, WatchError>(())
        };
        let client = &self.events.records.client;
        client
            .timed::<_, WatchError, _>("subscribe", reading)
            .await?;
        let events = stream::unfold(Some(reader), |reader| async move { reader?.next().await });
        Ok(Box::pin(events))
    }
}

/// The position of one watcher in the events of one execution.
struct EventReader {
    stored: Arc<EventPages>,
    watcher: Watcher,
    id: ExecutionId,
    /// The number of the last event that was delivered.
    seen: Sequence,
    /// The number of the last event that was read or delivered.
    last: Sequence,
    /// The creation of the execution, once it was read.
    created: Option<i64>,
    /// Whether no event will follow those that are stored.
    has_ended: bool,
    /// What was read, but not delivered.
    page: std::vec::IntoIter<StoredEvent>,
}

type Item = Result<StoredEvent, WatchError>;

impl EventReader {
    /// The next event, and the reader of the events after it.
    async fn next(mut self) -> Option<(Item, Option<Self>)> {
        loop {
            let event = match self.page.next() {
                Some(event) => Some(event),
                None if self.has_ended && self.seen >= self.last => return None,
                None => self.watcher.next_event(self.seen, self.last).await,
            };
            if let Some(event) = event {
                self.seen = event.sequence;
                self.last = self.last.max(event.sequence);
                let rest = (!event.event.is_final()).then_some(self);
                return Some((Ok(event), rest));
            }
            if let Err(error) = self.read().await {
                return Some((Err(error), None));
            }
        }
    }

    /// Reads the events after those that were delivered.
    async fn read(&mut self) -> Result<(), WatchError> {
        let known = self.watcher.begin_read();
        let page = self.stored.read(self.id, self.seen).await?;
        let page = page.ok_or(WatchError::Gone)?;
        if *self.created.get_or_insert(page.created) != page.created {
            return Err(WatchError::Gone);
        }
        if page.sequence < known {
            self.watcher.rewind(page.sequence);
        }
        // After a failover the new master may lack events that this watcher has seen, or the list of events.
        let is_behind = page.sequence < self.last;
        let lacks_events = page.events.is_empty() && page.sequence > self.seen;
        if is_behind || lacks_events {
            return Err(AdapterError::LostEvents(self.id).into());
        }
        (self.last, self.has_ended) = (page.sequence, page.has_ended);
        self.page = page.events.into_iter();
        Ok(())
    }
}
