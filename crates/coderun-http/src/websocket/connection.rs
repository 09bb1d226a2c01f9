//! Sends and receives the messages of one socket, with a bound on every wait.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use bytestring::ByteString;
use futures_util::FutureExt;

use super::CloseFrame;
use super::send_window::SendWindow;
use crate::answer_budget::{AnswerBudget, BudgetExhausted};
use crate::watching::EncodedMessage;
use crate::wire::ServerMessage;

/// Both directions of one socket.
pub(super) struct Connection {
    pub(super) socket: Session,
    pub(super) messages: AggregatedMessageStream,
    pub(super) window: SendWindow,
    pub(super) budget: AnswerBudget,
    pub(super) send_timeout: Duration,
}

impl Connection {
    /// Encodes and sends a message.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub(super) async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), CloseFrame> {
        let message = EncodedMessage::new(message).map_err(|_| CloseFrame::INTERNAL)?;
        self.send_text(message.text).await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`CloseFrame::SLOW_WATCHER`] if the peer does not take it in time, [`CloseFrame::PEER_LEFT`] if it has gone.
    pub(super) async fn send_text(&mut self, text: ByteString) -> Result<(), CloseFrame> {
        let timeout = self.send_timeout;
        let permit = self.budget.acquire(text.len(), timeout).await;
        let permit = permit.map_err(|BudgetExhausted| CloseFrame::UNAVAILABLE)?;
        let sending = async {
            self.window.wait_for_space().await;
            self.window.record_sent(text.len(), permit);
            self.socket.text(text).await
        };
        in_time(timeout, sending).await
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub(super) async fn ping(&mut self) -> Result<(), CloseFrame> {
        in_time(self.send_timeout, self.socket.ping(b"")).await
    }

    /// Waits for the next message, and answers pings. The text is `None` for a ping or pong, which only shows that the peer is
    /// alive. Cancel-safe until a message has arrived.
    ///
    /// # Errors
    /// The close frame to answer the message with.
    pub(super) async fn receive(&mut self) -> Result<Option<ByteString>, CloseFrame> {
        // A client that sends without a pause must not starve the other sockets.
        tokio::task::coop::consume_budget().await;
        let message = match self.messages.recv().await {
            None => return Err(CloseFrame::PEER_LEFT),
            Some(Err(error)) => return Err(close_frame_for(&error)),
            Some(Ok(message)) => message,
        };
        match message {
            AggregatedMessage::Text(text) => Ok(Some(text)),
            AggregatedMessage::Binary(_) => Err(CloseFrame::BINARY_MESSAGE),
            AggregatedMessage::Pong(_) => Ok(None),
            AggregatedMessage::Close(_) => Err(CloseFrame::PEER_LEFT),
            AggregatedMessage::Ping(bytes) => {
                Box::pin(in_time(self.send_timeout, self.socket.pong(&bytes))).await?;
                Ok(None)
            }
        }
    }

    /// Sends a close frame and waits for the peer's, unless the peer has already closed or left.
    pub(super) async fn close(self, frame: CloseFrame, timeout: Duration) {
        let Self {
            socket,
            messages,
            send_timeout,
            ..
        } = self;
        // If the peer does not take the close frame either, the kernel cuts the connection later.
        drop(tokio::time::timeout(send_timeout, socket.close(Some(frame.into()))).await);
        let handshake = async {
            match frame {
                CloseFrame::PEER_LEFT => {}
                CloseFrame::MESSAGE_TOO_BIG | CloseFrame::PROTOCOL_ERROR => discard(messages).await,
                _ => wait_for_close(messages).await,
            }
        };
        drop(tokio::time::timeout(timeout, handshake).await);
    }
}

/// Waits for the peer's close frame, or until the peer has left.
async fn wait_for_close(mut messages: AggregatedMessageStream) {
    loop {
        match messages.recv().await {
            None | Some(Ok(AggregatedMessage::Close(_))) => return,
            Some(Ok(_)) => {}
            Some(Err(error)) if close_frame_for(&error) == CloseFrame::PEER_LEFT => return,
            Some(Err(_)) => return discard(messages).await,
        }
    }
}

/// Discards everything the peer sends, without end. After a violation a close frame cannot be recognised any more, and a
/// peer that still sends must not be cut off before it reads the reason.
async fn discard(messages: AggregatedMessageStream) {
    drop(messages);
    pending::<()>().await;
}

/// Waits until a message is sent, within the timeout. The timer is made only if the peer does not take the message at once,
/// so that idle sockets reserve no memory for it.
async fn in_time(
    timeout: Duration,
    sending: impl Future<Output = Result<(), actix_ws::Closed>>,
) -> Result<(), CloseFrame> {
    let mut sending = pin!(sending);
    let sent = match sending.as_mut().now_or_never() {
        Some(sent) => Ok(sent),
        None => Box::pin(tokio::time::timeout(timeout, sending)).await,
    };
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(CloseFrame::PEER_LEFT),
        Err(_) => Err(CloseFrame::SLOW_WATCHER),
    }
}

fn close_frame_for(error: &ProtocolError) -> CloseFrame {
    match error {
        ProtocolError::Io(error) if has_left(error) => CloseFrame::PEER_LEFT,
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            CloseFrame::PROTOCOL_ERROR
        }
        // Every other `Io` means that a message in pieces is too big.
        ProtocolError::Overflow | ProtocolError::Io(_) => CloseFrame::MESSAGE_TOO_BIG,
        ProtocolError::UnmaskedFrame
        | ProtocolError::MaskedFrame
        | ProtocolError::InvalidOpcode(_)
        | ProtocolError::InvalidLength(_)
        | ProtocolError::BadOpCode
        | ProtocolError::ContinuationNotStarted
        | ProtocolError::ContinuationStarted
        | ProtocolError::ContinuationFragment(_) => CloseFrame::PROTOCOL_ERROR,
    }
}

/// Whether the connection ended without a close frame.
fn has_left(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(PayloadError::Incomplete(_)))
}
