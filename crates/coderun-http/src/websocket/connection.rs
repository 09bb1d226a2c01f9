//! Sends and receives the messages of one socket, with a bound on every wait.
//!
//! What the server sends needs no state beyond the frame that is being written, so each frame is written from the bytes that
//! all watchers share.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use actix_web::web;
use bytes::buf::Chain;
use bytes::{Buf, BufMut, Bytes};
use bytestring::ByteString;
use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tungstenite::Utf8Bytes;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

use super::CloseFrame;
use super::message_reader::{Incoming, MessageReader};
use crate::answer_budget::{AnswerBudget, BudgetExhausted, BudgetPermit};
use crate::socket_registry::WatcherPermit;
use crate::state::AppState;
use crate::watching::EncodedMessage;
use crate::wire::ServerMessage;

/// Messages up to this length are copied.
const COPIED_MAX_BYTES: usize = 4 << 10;

/// Both directions of one socket.
pub(super) struct Connection {
    stream: TcpStream,
    reader: MessageReader,
    /// The rest of the frame that is being written, head and payload. Nothing else may be written before it.
    outgoing: Chain<Bytes, Bytes>,
    outgoing_permit: BudgetPermit,
    state: web::Data<AppState>,
    /// Held until everything is written, because messages occupy memory that long.
    pub(super) permit: Option<WatcherPermit>,
}

impl Connection {
    /// A socket over a stream that an upgrade has left. The client has already sent the bytes in `received`.
    pub(super) fn new(stream: TcpStream, received: Vec<u8>, state: web::Data<AppState>) -> Self {
        let reader = MessageReader::new(received, state.config.sockets.message_max);
        Self {
            stream,
            reader,
            outgoing: Bytes::new().chain(Bytes::new()),
            outgoing_permit: None,
            state,
            permit: None,
        }
    }

    /// Encodes and sends a message.
    ///
    /// # Errors
    /// As [`send_encoded`](Self::send_encoded).
    pub(super) async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), CloseFrame> {
        let message = EncodedMessage::new(message).map_err(|_| CloseFrame::INTERNAL)?;
        self.send_encoded(message).await
    }

    /// Sends an encoded message. The last one, if it is short, is written with the close frame that follows it.
    ///
    /// If this is cancelled, the next frame is sent after the rest of this one.
    ///
    /// # Errors
    /// [`CloseFrame::SLOW_WATCHER`] if the peer takes nothing of it for too long, [`CloseFrame::PEER_LEFT`] if it has gone.
    pub(super) async fn send_encoded(&mut self, message: EncodedMessage) -> Result<(), CloseFrame> {
        let text = message.text;
        let timeout = self.state.config.sockets.send;
        let mut permit = None;
        if AnswerBudget::counts(text.len()) {
            let acquiring = Box::pin(self.state.answer_budget.acquire(text.len(), timeout));
            permit = acquiring
                .await
                .map_err(|BudgetExhausted| CloseFrame::UNAVAILABLE)?;
        }
        self.flush(timeout).await?;
        self.outgoing = text_frame(text)?;
        self.outgoing_permit = permit;
        if message.is_last && self.outgoing.remaining() <= COPIED_MAX_BYTES {
            return Ok(());
        }
        self.flush(timeout).await
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`send_encoded`](Self::send_encoded).
    pub(super) async fn ping(&mut self) -> Result<(), CloseFrame> {
        self.send_control(Frame::ping(Bytes::new()), self.state.config.sockets.send)
            .await
    }

    /// Sends a control frame, in one write with what is left before it if that is short.
    async fn send_control(&mut self, frame: Frame, timeout: Duration) -> Result<(), CloseFrame> {
        if self.outgoing.remaining() > COPIED_MAX_BYTES {
            self.flush(timeout).await?;
        }
        let mut bytes = Vec::with_capacity(self.outgoing.remaining() + frame.len());
        bytes.put(&mut self.outgoing);
        frame.format(&mut bytes).map_err(|_| CloseFrame::INTERNAL)?;
        self.outgoing = Bytes::from(bytes).chain(Bytes::new());
        self.flush(timeout).await
    }

    /// Writes the rest of the frame that is being written. The peer must take a part of it within each timeout.
    async fn flush(&mut self, timeout: Duration) -> Result<(), CloseFrame> {
        while self.outgoing.has_remaining() {
            let writing = write_some(&mut self.stream, &mut self.outgoing);
            let written = in_time(timeout, writing).await;
            match written.ok_or(CloseFrame::SLOW_WATCHER)? {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(CloseFrame::PEER_LEFT),
            }
        }
        // An idle socket keeps no message.
        self.outgoing = Bytes::new().chain(Bytes::new());
        self.outgoing_permit = None;
        Ok(())
    }

    /// Waits for the next message, and answers pings. The text is `None` for a ping or pong, which only shows that the peer is
    /// alive. Cancel-safe.
    ///
    /// # Errors
    /// The close frame to answer the message with.
    pub(super) async fn receive(&mut self) -> Result<Option<Utf8Bytes>, CloseFrame> {
        let timeout = self.state.config.sockets.send;
        self.flush(timeout).await?;
        loop {
            // A client that sends without a pause must not starve the other sockets.
            tokio::task::coop::consume_budget().await;
            if self.reader.has_read_all() {
                self.wait_for_bytes().await?;
            }
            match self.reader.read(&self.stream)? {
                Incoming::Text(text) => return Ok(Some(text)),
                Incoming::Pong => return Ok(None),
                Incoming::Ping => {
                    self.outgoing = self.reader.take_pong()?.chain(Bytes::new());
                    self.flush(timeout).await?;
                    return Ok(None);
                }
                Incoming::Nothing => {}
            }
        }
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

/// The frame of a message. A short one is copied behind its head, because the kernel takes one piece more cheaply than two.
fn text_frame(text: ByteString) -> Result<Chain<Bytes, Bytes>, CloseFrame> {
    let header = FrameHeader {
        opcode: OpCode::Data(Data::Text),
        ..FrameHeader::default()
    };
    let is_short = text.len() <= COPIED_MAX_BYTES;
    let copied_bytes = if is_short { text.len() } else { 0 };
    let length = u64::try_from(text.len()).map_err(|_| CloseFrame::INTERNAL)?;
    let mut head = Vec::with_capacity(header.len(length) + copied_bytes);
    let formatted = header.format(length, &mut head);
    formatted.map_err(|_| CloseFrame::INTERNAL)?;
    let mut payload = text.into_bytes();
    if is_short {
        head.extend_from_slice(&payload);
        payload = Bytes::new();
    }
    Ok(Bytes::from(head).chain(payload))
}

/// Writes as much of the frame as the kernel takes at once.
async fn write_some(
    stream: &mut TcpStream,
    frame: &mut Chain<Bytes, Bytes>,
) -> std::io::Result<usize> {
    if frame.last_ref().has_remaining() {
        return stream.write_buf(frame).await;
    }
    let written = stream.write(frame.chunk()).await?;
    frame.advance(written);
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
