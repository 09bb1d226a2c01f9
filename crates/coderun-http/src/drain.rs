//! Signals to the server, in two steps, that it is to end.

use tokio_util::sync::CancellationToken;

/// Signals to the server, in two steps, that it is to end. Cancelling only the second takes both at once.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    /// Cancelled when the server is going away: watchers are told to reconnect elsewhere, and long polls are answered. No
    /// connection is closed, and new sockets are told at once.
    pub going_away: CancellationToken,
    /// Cancelled when the server ends: sockets are closed, streams end, and running requests are answered.
    pub end: CancellationToken,
}

impl Drain {
    /// Whether the server is going away or ends.
    pub(crate) fn has_begun(&self) -> bool {
        self.going_away.is_cancelled() || self.end.is_cancelled()
    }

    /// The output of the future, or `None` if the server is going away or ends first.
    pub(crate) async fn run_until_begun<F: Future>(&self, future: F) -> Option<F::Output> {
        let running = self.going_away.run_until_cancelled(future);
        self.end.run_until_cancelled(running).await.flatten()
    }
}
