//! The [`Notifier`] side of the backend.

use async_trait::async_trait;
use coderun_domain::{
    Event, EventStream, ExecutionId, Notifier, Sequence, StoredEvent, WatchError,
};
use futures_util::stream;

use crate::MemoryBackend;
use crate::ledger::{News, Watched};
use crate::signal::Listener;

#[async_trait]
impl Notifier for MemoryBackend {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        let watch = self.step(|ledger, now| ledger.watch(id, now));
        let (watched, listener) = watch.ok_or(WatchError::Gone)?;
        let subscription = Subscription {
            backend: self.clone(),
            watched,
            listener,
            last: since,
        };
        let events = stream::unfold(Some(subscription), |subscription| async move {
            subscription?.next().await
        });
        Ok(Box::pin(events))
    }
}

/// One watcher's place in the events of one execution.
struct Subscription {
    backend: MemoryBackend,
    watched: Watched,
    listener: Listener,
    last: Sequence,
}

type Item = Result<StoredEvent, WatchError>;

impl Subscription {
    /// The next event and where to go on from there.
    async fn next(mut self) -> Option<(Item, Option<Self>)> {
        loop {
            let news = self
                .backend
                .step(|ledger, now| ledger.news(self.watched, self.last, now));
            match news {
                News::Event(event) => {
                    self.last = event.sequence;
                    let rest = (!is_final(&event)).then_some(self);
                    return Some((Ok(event), rest));
                }
                News::NotYet => self.listener.woken().await,
                News::End => return None,
                News::Gone => return Some((Err(WatchError::Gone), None)),
            }
        }
    }
}

fn is_final(stored: &StoredEvent) -> bool {
    match &stored.event {
        Event::Updated(progress) => progress.status().is_final(),
        Event::Output(_) | Event::AwaitingInput(_) => false,
    }
}
