//! The [`Notifier`] side of the backend.
//!
//! What others publish is only a hint that there is something to read: the events themselves are read from the record,
//! by number. So nothing is lost when a hint is, and nothing doubled when one comes twice.

use async_trait::async_trait;
use coderun_domain::{
    Event, EventStream, ExecutionId, Notifier, Sequence, StoredEvent, WatchError,
};
use futures_util::stream;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::event_pages::Page;
use crate::subscriber::Subscription;

#[async_trait]
impl Notifier for RedisBackend {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        self.timed("subscribe", async {
            // Whatever is stored after this page is told of by the subscription that stands already.
            let mut watch = self.hub().watch(id);
            watch.standing().await;
            let page = self.read_events(id, "", since).await?;
            let subscription = EventReader {
                backend: self.clone(),
                id,
                watch,
                last: since,
                page: page.ok_or(WatchError::Gone)?,
            };
            let events: EventStream = Box::pin(stream::unfold(
                Some(subscription),
                |subscription| async move { subscription?.next().await },
            ));
            Ok(events)
        })
        .await
    }
}

/// One watcher's place in the events of one execution.
struct EventReader {
    backend: RedisBackend,
    id: ExecutionId,
    watch: Subscription,
    last: Sequence,
    page: Page,
}

type Item = Result<StoredEvent, WatchError>;

impl EventReader {
    /// The next event and where to go on from there.
    async fn next(mut self) -> Option<(Item, Option<Self>)> {
        loop {
            if let Some(event) = self.page.events.pop_front() {
                self.last = event.sequence;
                let rest = (!is_final(&event)).then_some(self);
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

    /// Waits for a hint. Running into the timeout is how a watcher finds what no hint told it of.
    async fn wait(&mut self) {
        let interval = self.backend.config().watch_interval;
        drop(tokio::time::timeout(interval, self.watch.changed()).await);
    }

    async fn read(&mut self) -> Result<(), WatchError> {
        let incarnation = &self.page.incarnation;
        let page = self.backend.read_events(self.id, incarnation, self.last);
        let page = page.await?.ok_or(WatchError::Gone)?;
        // A server that took over may know less than was told before, or have lost a list: whoever watches begins anew.
        let is_behind = page.sequence < self.page.sequence;
        let is_hollow = page.events.is_empty() && page.sequence > self.last;
        if is_behind || is_hollow {
            return Err(AdapterError::Forgotten(self.id).into());
        }
        self.page = page;
        Ok(())
    }
}

fn is_final(stored: &StoredEvent) -> bool {
    match &stored.event {
        Event::Updated(progress) => progress.status().is_final(),
        Event::Output(_) | Event::AwaitingInput(_) => false,
    }
}
