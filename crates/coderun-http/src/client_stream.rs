//! Bounds how long a connection waits for a request or a reader, and how far it reads ahead.
//!
//! actix bounds the time of the first head of a connection only, and reads ahead as much as a client sends.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connections::{CountedConnection, RequestState};

/// The answer to a head that arrives too slowly.
const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The stream of a connection.
pub(crate) struct ClientStream {
    /// Has the stream itself as well, so that requests can ask for its address.
    state: Rc<RequestState>,
    /// `None` once the stream is taken.
    counted: Option<CountedConnection>,
    /// Set at most as late as the next deadline. It is not moved with each request, because deadlines only grow.
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when something waits until the client reads.
    unread_since: Option<Instant>,
}

impl ClientStream {
    pub(crate) fn new(stream: TcpStream, state: Rc<RequestState>) -> Self {
        state.set_stream(stream);
        Self {
            counted: Some(state.counted()),
            state,
            timer: None,
            unread_since: None,
        }
    }

    /// The state that the edge changes.
    pub(crate) fn state(&self) -> Rc<RequestState> {
        Rc::clone(&self.state)
    }

    /// The bare stream, without any bound but that of the number of connections.
    pub(crate) fn into_parts(mut self) -> Option<(TcpStream, CountedConnection)> {
        self.state.take_stream().zip(self.counted.take())
    }

    /// Fails if the connection is to be closed, and otherwise sets the timer.
    fn poll_bounds(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.state.is_closed() {
            self.reset();
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let unread = self.state.unread_timeout();
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

    /// Lets the kernel forget a connection at once that is closed within a head: nothing is owed to its client.
    fn reset(&self) {
        if self.state.awaits_head() {
            let set =
                |stream: &mut TcpStream| SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
            // The connection ends in any case.
            drop(self.state.with_stream(set));
        }
    }

    /// Tells a client whose head was too slow, if it reads.
    fn answer_timeout(&self) {
        if self.state.awaits_head() && self.unread_since.is_none() {
            // The connection ends in any case.
            drop(self.state.with_stream(|stream| stream.try_write(TIMED_OUT)));
        }
    }

    fn poll_stream<T>(
        &self,
        poll: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let polled = self.state.with_stream(|stream| poll(Pin::new(stream)));
        polled.unwrap_or_else(|| Poll::Ready(Err(ErrorKind::NotConnected.into())))
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
            this.state.set_waker(cx.waker());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = this.poll_stream(|stream| stream.poll_read(cx, buffer));
        let received = buffer.filled().len() - before;
        if received > 0 {
            this.state.receive(received);
        }
        if read.is_pending() {
            this.state.wait();
            this.poll_bounds(cx)?;
            this.state.set_waker(cx.waker());
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
        let written = self.poll_stream(|stream| stream.poll_write(cx, bytes));
        if written.is_pending() {
            self.unread_since.get_or_insert_with(Instant::now);
            self.poll_bounds(cx)?;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever flushes has written everything.
        self.unread_since = None;
        self.poll_stream(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_stream(|stream| stream.poll_shutdown(cx))
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        self.state.close();
        // The state may live on, with the answer to a request.
        drop(self.state.take_stream());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::HttpConfig;
    use crate::connections::{AHEAD_MAX_BYTES, Connections};

    /// The stream of a connection, and the side of its client.
    async fn connect() -> (ClientStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let state = Connections::new(&HttpConfig::default()).open();
        let stream = ClientStream::new(accepted.unwrap().0, state);
        (stream, client.unwrap())
    }

    #[tokio::test]
    async fn what_a_client_sends_far_ahead_of_an_answer_is_read_after_it() {
        let (mut stream, mut client) = connect().await;
        stream.state().begin(false);
        client
            .write_all(&vec![b'x'; AHEAD_MAX_BYTES + 1])
            .await
            .unwrap();
        let mut ahead = vec![0; AHEAD_MAX_BYTES];
        stream.read_exact(&mut ahead).await.unwrap();
        assert!(stream.read_u8().now_or_never().is_none());
        stream.state().end();
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_cut_after_a_while() {
        let (mut stream, _client) = connect().await;
        stream.state().begin(false);
        let began = Instant::now();
        let error = loop {
            if let Err(error) = stream.write_all(&vec![b'x'; 1 << 20]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let unread = HttpConfig::default().timeouts.unread;
        let waited = began.elapsed();
        assert!(
            (unread..unread + Duration::from_secs(1)).contains(&waited),
            "{waited:?}"
        );
    }
}
