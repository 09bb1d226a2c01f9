//! Wakes whoever waits, without keeping anything for them.

use tokio::sync::watch;

/// Wakes its listeners. Costs nothing while nobody listens; dropping it wakes them too.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    sender: Option<watch::Sender<()>>,
}

/// A listener that is woken by whatever happens after it was made.
#[derive(Debug)]
pub struct Listener(watch::Receiver<()>);

impl Signal {
    pub(crate) fn listen(&mut self) -> Listener {
        let sender = self.sender.get_or_insert_with(|| watch::Sender::new(()));
        Listener(sender.subscribe())
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

impl Listener {
    /// Waits for the next news. Answers, too, when there will be none any more, then at once each time: whoever is woken
    /// looks, and listens anew if there is something to wait for. Cancel-safe.
    pub async fn woken(&mut self) {
        self.0.changed().await.unwrap_or_default();
    }
}
