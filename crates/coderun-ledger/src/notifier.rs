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
        let watch = move |ledger: &mut Ledger| ledger.watch(id).ok_or(WatchError::Gone);
        let record = self.step("subscribe", watch).await?;
        let subscription = Subscription {
            access: self.access.clone(),
            record,
            last: since,
        };
        let events = stream::try_unfold(Some(subscription), |subscription| async move {
            match subscription {
                Some(subscription) => subscription.next().await,
                None => Ok(None),
            }
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

impl<A: LedgerAccess> Subscription<A> {
    /// The next event, and the subscription to what follows it.
    async fn next(mut self) -> Result<Option<(StoredEvent, Option<Self>)>, WatchError> {
        loop {
            let (record, last) = (self.record, self.last);
            let step = move |ledger: &mut Ledger| ledger.next_event(record, last);
            match self.access.apply(step).await? {
                NextEvent::Stored(event) => {
                    self.last = event.sequence;
                    let rest = (!event.event.is_final()).then_some(self);
                    return Ok(Some((event, rest)));
                }
                NextEvent::Pending(mut listener) => listener.woken().await,
                NextEvent::End => return Ok(None),
                NextEvent::Gone => return Err(WatchError::Gone),
            }
        }
    }
}
