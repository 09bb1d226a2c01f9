//! Wakes whoever waits, without keeping anything for them.

use tokio::sync::watch;

/// Wakes its listeners. Costs nothing while nobody listens; dropping it wakes them too.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    sender: Option<watch::Sender<()>>,
}

/// A listener that is woken by whatever happens after it was made.
pub(crate) type Listener = watch::Receiver<()>;

impl Signal {
    pub(crate) fn listen(&mut self) -> Listener {
        self.sender
            .get_or_insert_with(|| watch::Sender::new(()))
            .subscribe()
    }

    pub(crate) fn wake(&mut self) {
        if let Some(sender) = &self.sender
            && sender.send(()).is_err()
        {
            self.sender = None;
        }
    }

    pub(crate) fn listeners(&self) -> usize {
        self.sender
            .as_ref()
            .map_or(0, watch::Sender::receiver_count)
    }
}

/// Waits for the signal. When it is dropped this answers, too: the listener then looks and finds nothing.
pub(crate) async fn woken(listener: &mut Listener) {
    listener.changed().await.unwrap_or_default();
}
