//! Implements the [`Notifier`].

use async_trait::async_trait;
use coderun_domain::{EventStream, ExecutionId, Notifier, Sequence, StoredEvent, WatchError};
use futures_util::stream;

use crate::access::LedgerAccess;
use crate::backend::LedgerBackend;
use crate::ledger::Ledger;
use crate::ledger::watching::{NextEvent, WatchedRecord};

#[async_trait]
impl<A: LedgerAccess> Notifier for LedgerBackend<A> {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        let watch = move |ledger: &mut Ledger, now| ledger.watch(id, now).ok_or(WatchError::Gone);
        let record = self.step("subscribe", watch).await?;
        let subscription = Subscription {
            access: self.access.clone(),
            record,
            last: since,
        };
        let events = stream::unfold(Some(subscription), |subscription| async move {
            subscription?.next().await
        });
        Ok(Box::pin(events))
    }
}

/// How far a watcher has read the events of an execution.
struct Subscription<A> {
    access: A,
    record: WatchedRecord,
    last: Sequence,
}

type Item = Result<StoredEvent, WatchError>;

impl<A: LedgerAccess> Subscription<A> {
    /// The next event, and the subscription to what follows it.
    async fn next(mut self) -> Option<(Item, Option<Self>)> {
        loop {
            let (record, last) = (self.record, self.last);
            let next = self
                .access
                .apply(move |ledger, now| ledger.next_event(record, last, now))
                .await;
            match next {
                Ok(NextEvent::Stored(event)) => {
                    self.last = event.sequence;
                    let rest = (!event.event.is_final()).then_some(self);
                    return Some((Ok(event), rest));
                }
                Ok(NextEvent::Pending(mut listener)) => listener.woken().await,
                Ok(NextEvent::End) => return None,
                Ok(NextEvent::Gone) => return Some((Err(WatchError::Gone), None)),
                Err(error) => return Some((Err(error.into()), None)),
            }
        }
    }
}
