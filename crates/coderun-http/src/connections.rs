//! Bounds how many connections of a thread wait for a request, and closes the oldest of them beyond that.
//!
//! The state of each connection says whether a request is in progress, and so how long it may wait and what it may read.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::HttpConfig;

/// The bytes that a client may send ahead of the answer to a request without a body.
const AHEAD_MAX_BYTES: usize = 64 << 10;

/// The time within which a connection is not closed for others, unless those are many more than may wait: its client may have
/// sent a whole head that is not read yet.
const CLOSED_AFTER: Duration = Duration::from_secs(1);
const YOUNG_FACTOR: usize = 4;

/// What all waiting connections may have sent, on average.
const WAITING_BYTES: usize = 8 << 10;

/// The open connections of one thread.
#[derive(Debug)]
pub(crate) struct Connections {
    open: RefCell<HashMap<u64, Rc<RequestState>>>,
    last_id: Cell<u64>,
    /// The number of connections that wait for a request or the rest of its head, and the bytes that they have sent.
    waiting: Cell<usize>,
    waiting_bytes: Cell<usize>,
    /// The number above which some are closed next.
    close_above: Cell<usize>,
    waiting_max: usize,
    head_timeout: Duration,
    keep_alive: Duration,
    unread: Duration,
}

/// Whether a request of a connection is in progress.
#[derive(Debug)]
pub(crate) struct RequestState {
    id: u64,
    phase: Cell<Phase>,
    /// When the phase began.
    since: Cell<Instant>,
    /// The bytes that the client has sent in this phase.
    received_bytes: Cell<usize>,
    /// Whether it is counted among those that wait: nothing that it has sent is unread.
    is_waiting: Cell<bool>,
    is_closed: Cell<bool>,
    /// Wakes the connection when it is to be closed or may read on.
    waker: RefCell<Option<Waker>>,
    connections: Rc<Connections>,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of a further head.
    KeptAlive,
    /// The rest of a head, or the first one.
    Head,
    /// The answer to a request.
    Request { has_body: bool },
}

impl Phase {
    const fn is_waiting(self) -> bool {
        matches!(self, Self::KeptAlive | Self::Head)
    }
}

impl Connections {
    pub(crate) fn new(config: &HttpConfig) -> Rc<Self> {
        let timeouts = &config.timeouts;
        Rc::new(Self {
            open: RefCell::default(),
            last_id: Cell::default(),
            waiting: Cell::default(),
            waiting_bytes: Cell::default(),
            close_above: Cell::default(),
            waiting_max: config
                .waiting_connections_max
                .div_ceil(config.workers.max(1)),
            head_timeout: timeouts.request_head,
            keep_alive: timeouts.keep_alive,
            unread: timeouts.unread,
        })
    }

    /// The state of a new connection.
    pub(crate) fn open(self: &Rc<Self>) -> Rc<RequestState> {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        let state = Rc::new(RequestState {
            id,
            phase: Cell::new(Phase::Head),
            since: Cell::new(Instant::now()),
            received_bytes: Cell::default(),
            is_waiting: Cell::default(),
            is_closed: Cell::default(),
            waker: RefCell::default(),
            connections: Rc::clone(self),
        });
        self.open.borrow_mut().insert(id, Rc::clone(&state));
        state
    }

    /// Closes the connections that have waited longest, if too many wait or they have sent too much.
    fn close_oldest(&self) {
        let waiting = self.waiting.get();
        let bytes_max = self.waiting_max.saturating_mul(WAITING_BYTES);
        let has_too_much = self.waiting_bytes.get() > bytes_max;
        if waiting <= self.close_above.get().max(self.waiting_max) && !has_too_much {
            return;
        }
        let spares_young =
            waiting <= self.waiting_max.saturating_mul(YOUNG_FACTOR) && !has_too_much;
        let open = self.open.borrow();
        let mut oldest: Vec<_> = open
            .values()
            .filter(|state| state.is_waiting.get())
            .filter(|state| !spares_young || state.since.get().elapsed() >= CLOSED_AFTER)
            .collect();
        // Half a head is rare among clients that mean well. A connection that has sent nothing may be about to.
        oldest.sort_unstable_by_key(|state| {
            let is_half = state.received_bytes.get() > 0;
            (!is_half, state.since.get())
        });
        // Several at once, so that the search is paid for.
        let part = waiting / 8 + 1;
        for state in oldest.iter().take(part) {
            state.leave();
            state.is_closed.set(true);
            state.wake();
        }
        let next = if oldest.is_empty() { waiting + part } else { 0 };
        self.close_above.set(next);
    }
}

impl RequestState {
    /// The head of a request has arrived.
    pub(crate) fn begin(&self, has_body: bool) {
        self.leave();
        self.phase.set(Phase::Request { has_body });
        self.received_bytes.set(0);
    }

    /// The answer to the request is complete, though perhaps not sent yet.
    pub(crate) fn end(&self) {
        if self.phase.get().is_waiting() || self.is_closed.get() {
            return;
        }
        if self.is_far_ahead() {
            self.wake();
        }
        self.phase.set(Phase::KeptAlive);
        self.since.set(Instant::now());
        self.received_bytes.set(0);
        self.wait();
    }

    /// Counts the connection among those that wait, if it has no request and nothing to read.
    pub(crate) fn wait(&self) {
        let has_request = !self.phase.get().is_waiting();
        if has_request || self.is_closed.get() || self.is_waiting.replace(true) {
            return;
        }
        let connections = &self.connections;
        connections.waiting.set(connections.waiting.get() + 1);
        let bytes = connections.waiting_bytes.get();
        connections
            .waiting_bytes
            .set(bytes + self.received_bytes.get());
        connections.close_oldest();
    }

    /// Takes the connection out of those that wait.
    fn leave(&self) {
        if self.is_waiting.replace(false) {
            let connections = &self.connections;
            connections.waiting.set(connections.waiting.get() - 1);
            let bytes = connections.waiting_bytes.get();
            connections
                .waiting_bytes
                .set(bytes - self.received_bytes.get());
        }
    }

    /// The client has sent something.
    pub(crate) fn receive(&self, bytes: usize) {
        self.leave();
        self.received_bytes.set(self.received_bytes.get() + bytes);
        if self.phase.get() == Phase::KeptAlive {
            self.phase.set(Phase::Head);
            self.since.set(Instant::now());
        }
    }

    /// Whether the client has sent so much before the answer that no more is read.
    pub(crate) fn is_far_ahead(&self) -> bool {
        self.phase.get() == Phase::Request { has_body: false }
            && self.received_bytes.get() >= AHEAD_MAX_BYTES
    }

    /// Whether it waits for the rest of a head, or for the first one.
    pub(crate) fn awaits_head(&self) -> bool {
        self.phase.get() == Phase::Head
    }

    /// Whether it is to be closed.
    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// When the client has waited too long with a request.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let timeout = match self.phase.get() {
            Phase::KeptAlive => self.connections.keep_alive,
            Phase::Head => self.connections.head_timeout,
            Phase::Request { .. } => return None,
        };
        Some(self.since.get() + timeout)
    }

    /// The longest time that something waits until the client reads.
    pub(crate) fn unread_timeout(&self) -> Duration {
        self.connections.unread
    }

    /// Has this waker called when the connection is to be closed or may read on.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let mut set = self.waker.borrow_mut();
        if !set.as_ref().is_some_and(|set| set.will_wake(waker)) {
            *set = Some(waker.clone());
        }
    }

    /// The connection has ended.
    pub(crate) fn close(&self) {
        self.leave();
        self.is_closed.set(true);
        self.connections.open.borrow_mut().remove(&self.id);
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
