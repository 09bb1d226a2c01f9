//! Bounds how many connections of a thread are open, and closes those that wait for a request when room gets scarce.
//!
//! The state of each connection says whether a request is in progress, and so how long it may wait and what it may read.
//!
//! An attacker whose connection is closed connects again at once. So connections are closed as late as possible: a flood can
//! then come no faster than heads time out, unless it takes all the room.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::HttpConfig;

/// The bytes that a client may send ahead of the answer to a request without a body.
pub(crate) const AHEAD_MAX_BYTES: usize = 64 << 10;

/// This part of the room is kept free for new connections.
const SPARE_PART: usize = 16;

/// What all waiting connections may have sent together, for each connection that there is room for.
const WAITING_BYTES: usize = 2 << 10;

/// The part of the waiting connections that is closed at once, so that the search for the oldest is paid for.
const CLOSED_PART: usize = 64;

/// Where room is scarce, a connection may send nothing for so long, before its first request and between two: most clients send
/// one sooner.
const IDLE_MIN: Duration = Duration::from_secs(1);

/// Where nothing was found to close, it is looked for again after this time.
const SEARCH_PAUSE: Duration = Duration::from_millis(100);

/// The open connections of one thread.
#[derive(Debug)]
pub(crate) struct Connections {
    /// Those that wait for a request or the rest of its head.
    waiting: RefCell<HashMap<u64, Rc<RequestState>>>,
    last_id: Cell<u64>,
    /// All that are open, also as sockets, but for those that are about to be closed.
    count: Cell<usize>,
    /// The bytes that clients have sent of heads that are not complete.
    waiting_bytes: Cell<usize>,
    /// Above this number some are closed.
    max: usize,
    /// When to look again for some to close.
    next_search: Cell<Instant>,
    head_timeout: Duration,
    keep_alive: Duration,
    unread: Duration,
}

/// Counts a connection while it is open, whatever it is used for.
#[derive(Debug)]
pub(crate) struct CountedConnection(Rc<RequestState>);

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.uncount();
    }
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
    /// Whether it waits for a request or the rest of its head, and nothing that it has sent is unread.
    is_waiting: Cell<bool>,
    is_counted: Cell<bool>,
    is_closed: Cell<bool>,
    /// Wakes the connection when it is to be closed or may read on.
    waker: RefCell<Option<Waker>>,
    /// The stream of the connection, while requests are served on it.
    stream: RefCell<Option<TcpStream>>,
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
            waiting: RefCell::default(),
            last_id: Cell::default(),
            count: Cell::default(),
            waiting_bytes: Cell::default(),
            max: (config.connections_max - config.connections_max.div_ceil(SPARE_PART)).max(1),
            next_search: Cell::new(Instant::now()),
            head_timeout: timeouts.request_head,
            keep_alive: timeouts.keep_alive,
            unread: timeouts.unread,
        })
    }

    /// The state of a new connection.
    pub(crate) fn open(self: &Rc<Self>) -> Rc<RequestState> {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        self.count.set(self.count.get() + 1);
        Rc::new(RequestState {
            id,
            phase: Cell::new(Phase::Head),
            since: Cell::new(Instant::now()),
            received_bytes: Cell::default(),
            is_waiting: Cell::default(),
            is_counted: Cell::new(true),
            is_closed: Cell::default(),
            waker: RefCell::default(),
            stream: RefCell::default(),
            connections: Rc::clone(self),
        })
    }

    const fn has_too_many(&self) -> bool {
        self.count.get() > self.max
    }

    /// Closes connections that have waited long, if too many are open or those that wait have sent too much. What the newest has
    /// sent may be a whole head, which is parsed next: that one stays.
    fn close_oldest(&self, newest: u64) {
        let has_too_much = self.waiting_bytes.get() > self.max.saturating_mul(WAITING_BYTES);
        let now = Instant::now();
        if !(has_too_much || self.has_too_many()) || now < self.next_search.get() {
            return;
        }
        let may_be_closed = |state: &&Rc<RequestState>| {
            state.has_sent_something() || state.since.get() + IDLE_MIN <= now
        };
        let waiting = self.waiting.borrow();
        let found = waiting.values().filter(may_be_closed).map(Rc::clone);
        let mut found: Vec<_> = found.collect();
        drop(waiting);
        if found.is_empty() {
            self.next_search.set(now + SEARCH_PAUSE);
            return;
        }
        found.retain(|state| state.id != newest);
        if found.is_empty() {
            // The next one that waits finds this one.
            return;
        }
        // Half a head is rare among clients that mean well. A connection that has sent nothing may be about to.
        let order = |state: &Rc<RequestState>| {
            (
                Reverse(state.has_sent_something()),
                state.since.get(),
                state.id,
            )
        };
        let last = found.len() / CLOSED_PART;
        found.select_nth_unstable_by_key(last, order);
        for state in found.iter().take(last + 1) {
            state.leave();
            state.uncount();
            state.is_closed.set(true);
            state.wake();
        }
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
    pub(crate) fn end(self: &Rc<Self>) {
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
    pub(crate) fn wait(self: &Rc<Self>) {
        let has_request = !self.phase.get().is_waiting();
        if has_request || self.is_closed.get() || self.is_waiting.replace(true) {
            return;
        }
        let bytes = &self.connections.waiting_bytes;
        bytes.set(bytes.get() + self.received_bytes.get());
        let waiting = &self.connections.waiting;
        waiting.borrow_mut().insert(self.id, Rc::clone(self));
        if self.has_sent_something() {
            // From now on there is one to close.
            self.connections.next_search.set(Instant::now());
        }
        self.connections.close_oldest(self.id);
    }

    /// Takes the connection out of those that wait.
    fn leave(&self) {
        if self.is_waiting.replace(false) {
            let bytes = &self.connections.waiting_bytes;
            bytes.set(bytes.get() - self.received_bytes.get());
            self.connections.waiting.borrow_mut().remove(&self.id);
        }
    }

    /// Takes the connection out of those that are open.
    fn uncount(&self) {
        if self.is_counted.replace(false) {
            let count = &self.connections.count;
            count.set(count.get() - 1);
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

    const fn has_sent_something(&self) -> bool {
        self.received_bytes.get() > 0
    }

    /// When the client has waited too long with a request.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let timeout = match self.phase.get() {
            Phase::Request { .. } => return None,
            _ if !self.has_sent_something() && self.connections.has_too_many() => IDLE_MIN,
            Phase::KeptAlive => self.connections.keep_alive,
            Phase::Head => self.connections.head_timeout,
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

    /// Keeps the stream, on which requests are served from now on.
    pub(crate) fn set_stream(&self, stream: TcpStream) {
        self.stream.replace(Some(stream));
    }

    /// Gives the stream away.
    pub(crate) fn take_stream(&self) -> Option<TcpStream> {
        self.stream.take()
    }

    /// Does something with the stream, unless it was given away.
    pub(crate) fn with_stream<T>(&self, act: impl FnOnce(&mut TcpStream) -> T) -> Option<T> {
        self.stream.borrow_mut().as_mut().map(act)
    }

    /// The address of the client. Asks the kernel.
    pub(crate) fn peer_address(&self) -> Option<SocketAddr> {
        self.with_stream(|stream| stream.peer_addr().ok()).flatten()
    }

    /// Counts the connection until what is returned is dropped.
    pub(crate) fn counted(self: &Rc<Self>) -> CountedConnection {
        CountedConnection(Rc::clone(self))
    }

    /// No more requests of the connection are served here.
    pub(crate) fn close(&self) {
        self.leave();
        self.is_closed.set(true);
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
