//! Implements [`Notifier`]: reads the stored events of an execution, by number, whenever a hint arrives.
//!
//! Events never travel in hints, so a lost hint loses no event and a repeated one repeats none.

use async_trait::async_trait;
use coderun_domain::{EventStream, ExecutionId, Notifier, Sequence, StoredEvent, WatchError};
use futures_util::stream;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::event_pages::EventPage;
use crate::subscriber::{Subscription, Topic};

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
        // The subscription is active before the first read, so a hint follows every later event.
        let mut subscription = self.shared.subscriber.subscribe(id, Topic::Events);
        subscription.activated().await;
        let page = self.read_events(id, "", since).await?;
        let reader = EventReader {
            backend: self.clone(),
            id,
            subscription,
            last: since,
            page: page.ok_or(WatchError::Gone)?,
        };
        let events = stream::unfold(Some(reader), |reader| async move { reader?.next().await });
        Ok(Box::pin(events))
    }
}

/// The position of one watcher in the events of one execution.
struct EventReader {
    backend: RedisBackend,
    id: ExecutionId,
    subscription: Subscription,
    last: Sequence,
    page: EventPage,
}

type Item = Result<StoredEvent, WatchError>;

impl EventReader {
    /// The next event, and the reader of the events after it.
    async fn next(mut self) -> Option<(Item, Option<Self>)> {
        loop {
            if let Some(event) = self.page.events.pop_front() {
                self.last = event.sequence;
                let rest = (!event.event.is_final()).then_some(self);
                return Some((Ok(event), rest));
            }
            let has_all = self.last >= self.page.sequence;
            if has_all && self.page.is_final {
                return None;
            }
            if has_all {
                self.wait().await;
            }
            if let Err(error) = self.read().await {
                return Some((Err(error), None));
            }
        }
    }

    /// Waits for a hint, at most for the watch interval: after a lost hint the next read finds the event.
    async fn wait(&mut self) {
        let interval = self.backend.shared.config.watch_interval;
        drop(tokio::time::timeout(interval, self.subscription.changed()).await);
    }

    async fn read(&mut self) -> Result<(), WatchError> {
        let incarnation = &self.page.incarnation;
        let page = self.backend.read_events(self.id, incarnation, self.last);
        let page = page.await?.ok_or(WatchError::Gone)?;
        // After a failover the new master may lack events that this watcher has seen, or the list of events.
        let is_behind = page.sequence < self.page.sequence;
        let lacks_events = page.events.is_empty() && page.sequence > self.last;
        if is_behind || lacks_events {
            return Err(AdapterError::LostEvents(self.id).into());
        }
        self.page = page;
        Ok(())
    }
}
