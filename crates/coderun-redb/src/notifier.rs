//! The [`Notifier`] side of the backend.

use async_trait::async_trait;
use coderun_domain::{
    Event, EventStream, ExecutionId, Notifier, Sequence, StoredEvent, WatchError,
};
use coderun_memory::{Ledger, Listener, News, Watched};
use futures_util::stream;
use time::OffsetDateTime;

use crate::RedbBackend;
use crate::backend::BACKEND;
use crate::error::StepFault;

#[async_trait]
impl Notifier for RedbBackend {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        let watch = self
            .step(move |ledger, now| ledger.watch(id, now))
            .await
            .map_err(unavailable)?;
        let (watched, _) = watch.ok_or(WatchError::Gone)?;
        let subscription = Subscription {
            backend: self.clone(),
            id,
            watched,
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
    backend: RedbBackend,
    id: ExecutionId,
    watched: Watched,
    last: Sequence,
}

type Item = Result<StoredEvent, WatchError>;

impl Subscription {
    /// The next event and where to go on from there.
    async fn next(mut self) -> Option<(Item, Option<Self>)> {
        loop {
            let (id, watched, last) = (self.id, self.watched, self.last);
            let looked = self
                .backend
                .step(move |ledger, now| look(ledger, id, (watched, last), now))
                .await;
            match looked {
                Ok((News::Event(event), _)) => {
                    self.last = event.sequence;
                    let rest = (!is_final(&event)).then_some(self);
                    return Some((Ok(event), rest));
                }
                Ok((News::NotYet, Some(mut listener))) => listener.woken().await,
                Ok((News::NotYet, None)) => {}
                Ok((News::End, _)) => return None,
                Ok((News::Gone, _)) => return Some((Err(WatchError::Gone), None)),
                Err(fault) => return Some((Err(unavailable(fault)), None)),
            }
        }
    }
}

/// What comes after an event; if nothing, with a listener for it. A listener does not outlive its ledger, so that it is
/// made anew each time.
fn look(
    ledger: &mut Ledger,
    id: ExecutionId,
    (watched, last): (Watched, Sequence),
    now: OffsetDateTime,
) -> (News, Option<Listener>) {
    let news = ledger.news(watched, last, now);
    let listener = match &news {
        News::NotYet => ledger.watch(id, now).map(|(_, listener)| listener),
        News::Event(_) | News::End | News::Gone => None,
    };
    (news, listener)
}

fn is_final(stored: &StoredEvent) -> bool {
    match &stored.event {
        Event::Updated(progress) => progress.status().is_final(),
        Event::Output(_) | Event::AwaitingInput(_) => false,
    }
}

fn unavailable(fault: StepFault) -> WatchError {
    WatchError::Unavailable {
        backend: BACKEND,
        source: Box::new(fault),
    }
}
