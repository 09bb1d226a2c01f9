//! How much may be on its way to a peer that does not take it.
//!
//! The channel to the body of an answer counts messages, however long they are; what a slow watcher may cost is a question
//! of bytes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::bulk::BulkPermit;
use crate::watching::WatcherPlace;

/// Beyond so many bytes nothing more is sent until they were taken.
const IN_FLIGHT_MAX_BYTES: usize = 64 << 10;

/// What was sent and not yet taken, seen from both ends.
#[derive(Clone, Default)]
pub(super) struct Flow(Rc<State>);

#[derive(Default)]
struct State {
    in_flight_bytes: Cell<usize>,
    /// The room of what was sent and not yet taken, and of what is being written.
    sent_room: RefCell<BulkPermit>,
    writing_room: RefCell<BulkPermit>,
    /// Held until everything is written: what was sent occupies memory so long.
    place: RefCell<Option<WatcherPlace>>,
    has_ended: Cell<bool>,
    taken: Notify,
}

impl Flow {
    /// Waits until there is room for a message of any length; there always is once nobody takes anything any more.
    pub(super) async fn room(&self) {
        while self.0.in_flight_bytes.get() >= IN_FLIGHT_MAX_BYTES && !self.0.has_ended.get() {
            self.0.taken.notified().await;
        }
    }

    /// Holds the place of the watcher until both ends are gone.
    pub(super) fn hold(&self, place: WatcherPlace) {
        *self.0.place.borrow_mut() = Some(place);
    }

    /// Takes note that a message of this length was sent, which has this room.
    pub(super) fn sent(&self, length_bytes: usize, room: BulkPermit) {
        let in_flight = &self.0.in_flight_bytes;
        in_flight.set(in_flight.get().saturating_add(length_bytes));
        if room.is_some() {
            *self.0.sent_room.borrow_mut() = room;
        }
    }

    /// Takes note that everything sent was taken, to be written.
    pub(super) fn all_taken(&self) {
        self.0.in_flight_bytes.set(0);
        self.0.writing_room.replace(self.0.sent_room.take());
        self.0.taken.notify_one();
    }

    /// Takes note that what was taken has been written, but for a little.
    pub(super) fn written(&self) {
        self.0.writing_room.take();
    }

    /// Takes note that nothing will be taken any more.
    pub(super) fn end(&self) {
        self.0.has_ended.set(true);
        self.0.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn there_is_room_until_too_much_is_on_its_way() {
        let flow = Flow::default();
        flow.sent(IN_FLIGHT_MAX_BYTES - 1, None);
        assert!(flow.room().now_or_never().is_some());
        flow.sent(5 << 20, None);
        assert!(flow.room().now_or_never().is_none());
        flow.all_taken();
        assert!(flow.room().now_or_never().is_some());
    }

    #[tokio::test]
    async fn whoever_waits_for_room_goes_on_once_there_is_some() {
        for goes_on in [Flow::all_taken, Flow::end] {
            let flow = Flow::default();
            flow.sent(IN_FLIGHT_MAX_BYTES, None);
            let other = flow.clone();
            tokio::join!(flow.room(), async move { goes_on(&other) });
        }
    }
}
