//! Announces work to the takers that wait for it.

use crate::wake::{WakeListener, WakeSignal};

/// Wakes takers, and remembers work that came up before they began to wait.
#[derive(Debug, Default)]
pub(crate) struct WorkSignal {
    signal: WakeSignal,
    /// Whether work has come up since a take last found less than it was asked for.
    has_unseen_work: bool,
}

impl WorkSignal {
    pub(crate) fn announce(&mut self) {
        self.has_unseen_work = true;
        self.signal.wake();
    }

    /// Notes that a take has found all that there was.
    pub(crate) const fn found_all(&mut self) {
        self.has_unseen_work = false;
    }

    /// A listener for new work; `None` if there may be some already.
    pub(crate) fn listen(&mut self) -> Option<WakeListener> {
        (!self.has_unseen_work).then(|| self.signal.listen())
    }
}
