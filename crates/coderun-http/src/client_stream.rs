//! Bounds how long a connection waits for a request or a reader, and how many connections wait for a request.
//!
//! actix bounds the time of the first head of a connection only, and reads ahead as much as a client sends. Here the stream of
//! each connection knows from the edge whether a request is in progress. While none is, the connection has a deadline, and
//! the oldest such connections are closed when there are too many, so that new clients are always served.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::HttpConfig;

/// The bytes that a client may send ahead of the answer to a request without a body.
const AHEAD_MAX_BYTES: usize = 64 << 10;

/// The time within which a connection is not closed for others, unless those are many more than may wait: its client may have
/// sent a whole head that is not read yet.
const CLOSED_AFTER: Duration = Duration::from_secs(1);
const YOUNG_FACTOR: usize = 4;

/// What all waiting connections may have sent, on average.
const WAITING_BYTES: usize = 8 << 10;

/// The answer to a head that arrives too slowly.
const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

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

    /// The stream of a new connection.
    pub(crate) fn open(self: &Rc<Self>, stream: TcpStream) -> ClientStream {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        let state = Rc::new(RequestState {
            phase: Cell::new(Phase::Head),
            since: Cell::new(Instant::now()),
            received_bytes: Cell::default(),
            is_waiting: Cell::default(),
            is_closed: Cell::default(),
            waker: RefCell::default(),
            connections: Rc::clone(self),
        });
        self.open.borrow_mut().insert(id, Rc::clone(&state));
        ClientStream {
            stream: Some(stream),
            id,
            state,
            timer: None,
            unread_since: None,
        }
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
    fn wait(&self) {
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

    fn receive(&self, bytes: usize) {
        self.leave();
        self.received_bytes.set(self.received_bytes.get() + bytes);
        if self.phase.get() == Phase::KeptAlive {
            self.phase.set(Phase::Head);
            self.since.set(Instant::now());
        }
    }

    /// Whether the client has sent so much before the answer that no more is read.
    fn is_far_ahead(&self) -> bool {
        self.phase.get() == Phase::Request { has_body: false }
            && self.received_bytes.get() >= AHEAD_MAX_BYTES
    }

    fn deadline(&self) -> Option<Instant> {
        let timeout = match self.phase.get() {
            Phase::KeptAlive => self.connections.keep_alive,
            Phase::Head => self.connections.head_timeout,
            Phase::Request { .. } => return None,
        };
        Some(self.since.get() + timeout)
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The stream of a connection.
pub(crate) struct ClientStream {
    /// `None` once it is taken.
    stream: Option<TcpStream>,
    id: u64,
    state: Rc<RequestState>,
    /// Set at most as late as the next deadline. It is not moved with each request, because deadlines only grow.
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when something waits until the client reads.
    unread_since: Option<Instant>,
}

impl ClientStream {
    /// The state that the edge changes.
    pub(crate) fn state(&self) -> Rc<RequestState> {
        Rc::clone(&self.state)
    }

    /// The bare stream, without any bound.
    pub(crate) fn into_inner(mut self) -> Option<TcpStream> {
        self.stream.take()
    }

    /// Fails if the connection is to be closed, and otherwise sets the timer.
    fn poll_bounds(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.state.is_closed.get() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let unread = self.state.connections.unread;
        let unread = self.unread_since.map(|since| since + unread);
        let Some(deadline) = unread.into_iter().chain(self.state.deadline()).min() else {
            return Ok(());
        };
        if deadline <= Instant::now() {
            self.answer_timeout();
            return Err(ErrorKind::TimedOut.into());
        }
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            timer.as_mut().reset(deadline);
        }
        Ok(())
    }

    /// Tells a client whose head was too slow, if it reads.
    fn answer_timeout(&self) {
        let is_head = self.state.phase.get() == Phase::Head && self.unread_since.is_none();
        if let Some(stream) = self.stream.as_ref().filter(|_| is_head) {
            // The connection ends in any case.
            drop(stream.try_write(TIMED_OUT));
        }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let stream = self.stream.as_mut();
        stream
            .map(Pin::new)
            .ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.state.is_far_ahead() {
            this.poll_bounds(cx)?;
            *this.state.waker.borrow_mut() = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = this.stream()?.poll_read(cx, buffer);
        let received = buffer.filled().len() - before;
        if received > 0 {
            this.state.receive(received);
        }
        if read.is_pending() {
            this.state.wait();
            this.poll_bounds(cx)?;
            this.state
                .waker
                .borrow_mut()
                .get_or_insert_with(|| cx.waker().clone());
        }
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write(cx, bytes);
        if written.is_pending() {
            self.unread_since.get_or_insert_with(Instant::now);
            self.poll_bounds(cx)?;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever flushes has written everything.
        self.unread_since = None;
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        self.state.leave();
        self.state.is_closed.set(true);
        let connections = &self.state.connections;
        connections.open.borrow_mut().remove(&self.id);
    }
}
