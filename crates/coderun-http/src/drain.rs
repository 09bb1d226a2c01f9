//! How a server learns that it is to end.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How a server learns that it is to end, in two steps. Cancelling the second alone is both at once.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    /// Cancelled when the server is going away: whoever watches is told to reconnect elsewhere, and what waits for a change
    /// is answered. Nothing is closed, and new sockets are told at once.
    pub going_away: CancellationToken,
    /// Cancelled when it ends: sockets are closed, streams end, and what is being answered is answered.
    pub end: CancellationToken,
}

/// The same, as the requests see it.
#[derive(Debug)]
pub(crate) struct Departure {
    going_away: CancellationToken,
    end: CancellationToken,
    noticed: OnceLock<Instant>,
}

impl Departure {
    pub(crate) fn new(drain: Drain) -> Self {
        Self {
            going_away: drain.going_away,
            end: drain.end,
            noticed: OnceLock::new(),
        }
    }

    /// Cancelled when the server is going away; where it ends at once, perhaps never.
    pub(crate) const fn going_away(&self) -> &CancellationToken {
        &self.going_away
    }

    /// Cancelled when the server ends.
    pub(crate) const fn end(&self) -> &CancellationToken {
        &self.end
    }

    /// Whether it is going away or ends.
    pub(crate) fn has_begun(&self) -> bool {
        self.going_away.is_cancelled() || self.end.is_cancelled()
    }

    /// What comes of this, unless the server is going away or ends before.
    pub(crate) async fn unless_begun<F: Future>(&self, waiting: F) -> Option<F::Output> {
        let waiting = self.going_away.run_until_cancelled(waiting);
        self.end.run_until_cancelled(waiting).await.flatten()
    }

    /// What is left of this time since somebody first asked, which nobody does before the server goes away.
    pub(crate) fn left_of(&self, total: Duration) -> Duration {
        let noticed = self.noticed.get_or_init(Instant::now);
        total.saturating_sub(noticed.elapsed())
    }
}
