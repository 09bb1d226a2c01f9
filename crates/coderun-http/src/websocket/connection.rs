//! Sends and receives the messages of one socket, with a bound on every wait.
//!
//! Long messages are written from the bytes that all watchers share. Short ones that come together are written together.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use actix_web::web;
use bytes::buf::Chain;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use coderun_domain::UserId;
use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tungstenite::Utf8Bytes;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

use super::CloseFrame;
use super::message_reader::{Incoming, MessageReader};
use crate::handover::UpgradedStream;
use crate::memory_budget::BudgetPermit;
use crate::socket_registry::WatcherPermit;
use crate::state::AppState;
use crate::watching::EncodedMessage;
use crate::wire::ServerMessage;

/// Frames up to this length wait for others that go in the same write.
const SHORT_MAX_BYTES: usize = 4 << 10;

/// The longest that the response to the upgrade waits for the first message.
const RESPONSE_DELAY: Duration = Duration::from_millis(50);

/// Both directions of one socket.
pub(super) struct Connection {
    stream: TcpStream,
    reader: MessageReader,
    /// What waits to be written: the response to the upgrade or short frames, and then the payload of a long one.
    outgoing: Chain<BytesMut, Bytes>,
    state: web::Data<AppState>,
    user: Option<UserId>,
    /// Held until everything is written, because messages occupy memory that long.
    permit: Option<WatcherPermit>,
    /// Memory for a message of the client that is longer than it may be, while it arrives.
    long_message: Option<BudgetPermit>,
}

impl Connection {
    /// A socket over the stream of an upgrade, whose response is sent with the first frame or before the first wait.
    pub(super) fn new(upgraded: UpgradedStream, state: web::Data<AppState>) -> Self {
        let reader = MessageReader::new(upgraded.received);
        Self {
            stream: upgraded.stream,
            reader,
            outgoing: upgraded.response.chain(Bytes::new()),
            state,
            user: None,
            permit: None,
            long_message: None,
        }
    }

    /// Notes the verified user, whose socket this is as long as the permit is held.
    pub(super) fn admit(&mut self, permit: WatcherPermit, user: UserId) {
        self.permit = Some(permit);
        self.user = Some(user);
    }

    /// Waits for what the first message needs. If that takes a while, the response to the upgrade is sent meanwhile.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub(super) async fn prepare<F: Future>(
        &mut self,
        preparing: F,
    ) -> Result<F::Output, CloseFrame> {
        let mut preparing = pin!(preparing);
        if let Ok(prepared) = tokio::time::timeout(RESPONSE_DELAY, &mut preparing).await {
            return Ok(prepared);
        }
        self.flush().await?;
        Ok(preparing.await)
    }

    /// Encodes and sends a message.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub(super) async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), CloseFrame> {
        let message = EncodedMessage::new(message).map_err(|_| CloseFrame::INTERNAL)?;
        self.put(message).await?;
        self.flush().await
    }

    /// Puts an encoded message behind what waits to be written, and writes all of it unless it is short.
    ///
    /// If this is cancelled, the next frame is sent after the rest of this one.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub(super) async fn put(&mut self, message: EncodedMessage) -> Result<(), CloseFrame> {
        let timeout = self.state.config.sockets.send;
        self.make_room(timeout).await?;
        let header = FrameHeader {
            opcode: OpCode::Data(Data::Text),
            ..FrameHeader::default()
        };
        self.append(&header, message.json)?;
        if self.outgoing.remaining() > SHORT_MAX_BYTES {
            self.flush_within(timeout).await?;
        }
        Ok(())
    }

    /// Whether something waits to be written.
    pub(super) fn has_unwritten(&self) -> bool {
        self.outgoing.has_remaining()
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub(super) async fn ping(&mut self) -> Result<(), CloseFrame> {
        self.send_control(Frame::ping(Bytes::new()), self.state.config.sockets.send)
            .await
    }

    /// Sends a control frame with what waits to be written.
    async fn send_control(&mut self, frame: Frame, timeout: Duration) -> Result<(), CloseFrame> {
        self.make_room(timeout).await?;
        self.append(&frame.header().clone(), frame.into_payload())?;
        self.flush_within(timeout).await
    }

    /// Makes sure that a frame can be appended.
    async fn make_room(&mut self, timeout: Duration) -> Result<(), CloseFrame> {
        if self.outgoing.remaining() > SHORT_MAX_BYTES || self.outgoing.last_ref().has_remaining() {
            self.flush_within(timeout).await?;
        }
        Ok(())
    }

    /// Appends a frame. A short one is copied, because the kernel takes one piece more cheaply than two.
    fn append(&mut self, header: &FrameHeader, payload: Bytes) -> Result<(), CloseFrame> {
        let length = u64::try_from(payload.len()).map_err(|_| CloseFrame::INTERNAL)?;
        let is_short = payload.len() <= SHORT_MAX_BYTES;
        let copied_bytes = if is_short { payload.len() } else { 0 };
        let frames = self.outgoing.first_mut();
        frames.reserve(header.len(length) + copied_bytes);
        let formatted = header.format(length, &mut frames.writer());
        formatted.map_err(|_| CloseFrame::INTERNAL)?;
        if is_short {
            frames.extend_from_slice(&payload);
        } else {
            *self.outgoing.last_mut() = payload;
        }
        Ok(())
    }

    /// Writes what waits. The peer must take a part of it in time.
    ///
    /// # Errors
    /// [`CloseFrame::SLOW_WATCHER`] if the peer takes nothing of it for too long, [`CloseFrame::PEER_LEFT`] if it has gone.
    pub(super) async fn flush(&mut self) -> Result<(), CloseFrame> {
        self.flush_within(self.state.config.sockets.send).await
    }

    async fn flush_within(&mut self, timeout: Duration) -> Result<(), CloseFrame> {
        while self.outgoing.has_remaining() {
            let writing = write_some(&mut self.stream, &mut self.outgoing);
            let written = in_time(timeout, writing).await;
            match written.ok_or(CloseFrame::SLOW_WATCHER)? {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(CloseFrame::PEER_LEFT),
            }
        }
        // An idle socket keeps no message.
        self.outgoing = BytesMut::new().chain(Bytes::new());
        Ok(())
    }

    /// Waits for the next message, and answers pings. The text is `None` for a ping or pong, which only shows that the peer is
    /// alive. Cancel-safe.
    ///
    /// # Errors
    /// The close frame to answer the message with.
    pub(super) async fn receive(&mut self) -> Result<Option<Utf8Bytes>, CloseFrame> {
        self.flush().await?;
        loop {
            // A client that sends without a pause must not starve the other sockets.
            tokio::task::coop::consume_budget().await;
            if self.reader.has_read_all() {
                self.wait_for_bytes().await?;
            }
            match self.reader.read(&self.stream)? {
                Incoming::Text(text) => {
                    self.long_message = None;
                    return Ok(Some(text));
                }
                Incoming::Pong => return Ok(None),
                Incoming::Ping => {
                    let pong = self.reader.take_pong()?;
                    self.outgoing.first_mut().extend_from_slice(&pong);
                    self.flush().await?;
                    return Ok(None);
                }
                Incoming::Nothing => self.make_room_for_long_message().await?,
            }
        }
    }

    /// Takes memory for the rest of a message that is longer than it may be, so that many of them occupy no more than many
    /// bodies.
    async fn make_room_for_long_message(&mut self) -> Result<(), CloseFrame> {
        let is_long = self.reader.unfinished() > self.state.config.sockets.message_max;
        if let (true, None, Some(user)) = (is_long, &self.long_message, &self.user) {
            let bytes = MessageReader::MESSAGE_MAX_BYTES;
            let acquired = self.state.body_budget.acquire(user, bytes).await;
            let permit = acquired.map_err(|_| CloseFrame::UNAVAILABLE)?;
            self.long_message = Some(permit);
        }
        Ok(())
    }

    async fn wait_for_bytes(&self) -> Result<(), CloseFrame> {
        let readable = poll_fn(|cx| self.stream.poll_read_ready(cx)).await;
        readable.map_err(|_| CloseFrame::PEER_LEFT)
    }

    /// Sends a close frame and waits for the peer's, unless the peer has already closed or left.
    pub(super) async fn close(mut self, frame: CloseFrame) {
        let config = &self.state.config;
        let answer_timeout = config.sockets.close;
        // A slow client is given what it was promised, as long as it takes some of it, but not while the server ends.
        let timeout = if self.state.drain.end.is_cancelled() {
            config.sockets.send
        } else {
            config.timeouts.unread
        };
        let sent = self.send_control(Frame::close(Some(frame.into())), timeout);
        if sent.await.is_err() || frame == CloseFrame::PEER_LEFT {
            return;
        }
        drop(tokio::time::timeout(answer_timeout, self.wait_for_close(frame)).await);
    }

    /// Waits until the peer has closed or left. After a violation its close frame cannot be recognised any more, and a peer
    /// that still sends must not be cut off before it reads the reason, so everything is read until it has left.
    async fn wait_for_close(&mut self, sent: CloseFrame) {
        let mut is_framed = !matches!(
            sent,
            CloseFrame::MESSAGE_TOO_BIG | CloseFrame::PROTOCOL_ERROR
        );
        while is_framed {
            let read = match self.reader.read(&self.stream) {
                Ok(Incoming::Nothing) => self.wait_for_bytes().await,
                read => read.map(|_| ()),
            };
            match read {
                Err(CloseFrame::PEER_LEFT) => return,
                Ok(()) | Err(CloseFrame::BINARY_MESSAGE) => {}
                Err(_) => is_framed = false,
            }
            tokio::task::coop::consume_budget().await;
        }
        drop(tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await);
    }
}

/// Writes as much as the kernel takes at once.
async fn write_some(
    stream: &mut TcpStream,
    outgoing: &mut Chain<BytesMut, Bytes>,
) -> std::io::Result<usize> {
    if outgoing.last_ref().has_remaining() {
        return stream.write_buf(outgoing).await;
    }
    let written = stream.write(outgoing.chunk()).await?;
    outgoing.advance(written);
    Ok(written)
}

/// The output of the future, or `None` if it takes too long. The timer is made only if the future has to wait, so that idle
/// sockets reserve no memory for it.
async fn in_time<F: Future>(timeout: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    match future.as_mut().now_or_never() {
        Some(output) => Some(output),
        None => Box::pin(tokio::time::timeout(timeout, future)).await.ok(),
    }
}

#[cfg(test)]
mod tests;
