//! Bounds the bytes that are sent to a peer and not yet taken.
//!
//! The channel to the response body counts messages of any length; this window counts bytes, which is what a slow watcher
//! costs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::answer_budget::BudgetPermit;
use crate::socket_registry::WatcherPermit;

/// From this many bytes on nothing more is sent until they are taken.
const IN_FLIGHT_MAX_BYTES: usize = 64 << 10;

/// The bytes in flight, shared by the sender and the response body.
#[derive(Clone, Default)]
pub(super) struct SendWindow(Rc<State>);

#[derive(Default)]
struct State {
    in_flight_bytes: Cell<usize>,
    /// The budget permits of what is sent and not yet taken, and of what is being written.
    sent_permit: RefCell<BudgetPermit>,
    writing_permit: RefCell<BudgetPermit>,
    /// Held until everything is written, because messages occupy memory that long.
    watcher: RefCell<Option<WatcherPermit>>,
    is_closed: Cell<bool>,
    taken: Notify,
}

impl SendWindow {
    /// Waits until a message of any length may be sent. Never waits once the window is closed.
    pub(super) async fn wait_for_space(&self) {
        while self.0.in_flight_bytes.get() >= IN_FLIGHT_MAX_BYTES && !self.0.is_closed.get() {
            self.0.taken.notified().await;
        }
    }

    /// Holds the watcher's permit until both ends are dropped.
    pub(super) fn hold(&self, permit: WatcherPermit) {
        *self.0.watcher.borrow_mut() = Some(permit);
    }

    /// Records that a message of this length is sent, and holds its budget permit.
    pub(super) fn record_sent(&self, length_bytes: usize, permit: BudgetPermit) {
        let in_flight = &self.0.in_flight_bytes;
        in_flight.set(in_flight.get().saturating_add(length_bytes));
        if permit.is_some() {
            *self.0.sent_permit.borrow_mut() = permit;
        }
    }

    /// Records that everything sent is taken and will be written.
    pub(super) fn record_taken(&self) {
        self.0.in_flight_bytes.set(0);
        self.0.writing_permit.replace(self.0.sent_permit.take());
        self.0.taken.notify_one();
    }

    /// Records that nearly everything taken is written.
    pub(super) fn record_written(&self) {
        self.0.writing_permit.take();
    }

    /// Records that nothing more will be taken.
    pub(super) fn close(&self) {
        self.0.is_closed.set(true);
        self.0.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_window_has_space_until_too_much_is_in_flight() {
        let window = SendWindow::default();
        window.record_sent(IN_FLIGHT_MAX_BYTES - 1, None);
        assert!(window.wait_for_space().now_or_never().is_some());
        window.record_sent(5 << 20, None);
        assert!(window.wait_for_space().now_or_never().is_none());
        window.record_taken();
        assert!(window.wait_for_space().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_waiting_sender_is_woken_when_bytes_are_taken_or_the_window_closes() {
        for wake in [SendWindow::record_taken, SendWindow::close] {
            let window = SendWindow::default();
            window.record_sent(IN_FLIGHT_MAX_BYTES, None);
            let other = window.clone();
            tokio::join!(window.wait_for_space(), async move { wake(&other) });
        }
    }
}
