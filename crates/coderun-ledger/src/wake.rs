//! Wakes tasks that wait for a change, without queueing anything for them.

use tokio::sync::watch;

/// Wakes its listeners. It costs nothing while there are none. Dropping it wakes them, too.
#[derive(Debug, Default)]
pub(crate) struct WakeSignal {
    sender: Option<watch::Sender<()>>,
}

/// Waits for everything that its signal announces after the listener was made.
#[derive(Debug)]
pub(crate) struct WakeListener(watch::Receiver<()>);

impl WakeSignal {
    pub(crate) fn listen(&mut self) -> WakeListener {
        let sender = self.sender.get_or_insert_with(|| watch::Sender::new(()));
        WakeListener(sender.subscribe())
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

impl WakeListener {
    /// Waits for the next signal. Answers at once when the signal was dropped: the caller looks again, and listens anew if
    /// there is something to wait for. Cancel-safe.
    pub(crate) async fn woken(&mut self) {
        self.0.changed().await.unwrap_or_default();
    }
}
