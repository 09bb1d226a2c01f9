//! Implements [`Notifier`]: delivers the events that the feed tells, and reads what it has missed.

use async_trait::async_trait;
use coderun_domain::{EventStream, ExecutionId, Notifier, Sequence, StoredEvent, WatchError};
use futures_util::stream;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::feed::{NextStep, Watcher};

#[async_trait]
impl Notifier for RedisBackend {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        self.timed("subscribe", self.open_events(id, since)).await
    }
}

impl RedisBackend {
    async fn open_events(
        &self,
        id: ExecutionId,
        since: Sequence,
    ) -> Result<EventStream, WatchError> {
        let mut reader = EventReader {
            backend: self.clone(),
            // The feed tells what happens from now on, so nothing is lost between the first read and later events.
            watcher: self.shared.feed.watch(id),
            id,
            seen: since,
            stored: Sequence::START,
            created: None,
            page: Vec::new().into_iter(),
        };
        let interval = self.shared.config.watch_interval;
        if reader.watcher.must_read(since, interval, self.now()) {
            reader.read().await?;
        }
        let events = stream::unfold(Some(reader), |reader| async move { reader?.next().await });
        Ok(Box::pin(events))
    }
}

/// The position of one watcher in the events of one execution.
struct EventReader {
    backend: RedisBackend,
    watcher: Watcher,
    id: ExecutionId,
    /// The number of the last event that was delivered.
    seen: Sequence,
    /// The number of the last event that was read or delivered.
    stored: Sequence,
    /// The creation of the execution, once it was read.
    created: Option<i64>,
    /// What was read, but not delivered.
    page: std::vec::IntoIter<StoredEvent>,
}

type Item = Result<StoredEvent, WatchError>;

impl EventReader {
    /// The next event, and the reader of the events after it.
    async fn next(mut self) -> Option<(Item, Option<Self>)> {
        let interval = self.backend.shared.config.watch_interval;
        loop {
            let event = match self.page.next() {
                Some(event) => event,
                None => match self
                    .watcher
                    .next_step(self.seen, interval, self.backend.now())
                    .await
                {
                    NextStep::Deliver(event) => event,
                    NextStep::End => return None,
                    NextStep::Read => match self.read().await {
                        Ok(()) => continue,
                        Err(error) => return Some((Err(error), None)),
                    },
                },
            };
            self.seen = event.sequence;
            self.stored = self.stored.max(event.sequence);
            let rest = (!event.event.is_final()).then_some(self);
            return Some((Ok(event), rest));
        }
    }

    /// Reads the events after those that were delivered.
    async fn read(&mut self) -> Result<(), WatchError> {
        let known = self.watcher.begin_read();
        let page = self.backend.read_events(self.id, self.seen).await?;
        let page = page.ok_or(WatchError::Gone)?;
        if *self.created.get_or_insert(page.created) != page.created {
            return Err(WatchError::Gone);
        }
        if page.sequence < known {
            self.watcher.rewind(page.sequence);
        }
        // After a failover the new master may lack events that this watcher has seen, or the list of events.
        let is_behind = page.sequence < self.stored;
        let lacks_events = page.events.is_empty() && page.sequence > self.seen;
        if is_behind || lacks_events {
            return Err(AdapterError::LostEvents(self.id).into());
        }
        self.stored = page.sequence;
        self.watcher.tell(&page);
        self.page = page.events.into_iter();
        Ok(())
    }
}
