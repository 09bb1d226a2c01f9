//! Both directions of one socket, with every wait bounded.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use bytestring::ByteString;
use futures_util::FutureExt;

use super::Closing;
use super::flow::Flow;
use crate::bulk::{Bulk, NoRoom};
use crate::watching::WatcherPlace;
use crate::wire::ServerMessage;

/// Both directions of one socket.
pub(super) struct Connection {
    socket: Session,
    messages: AggregatedMessageStream,
    flow: Flow,
    bulk: Bulk,
    send_timeout: Duration,
}

/// What came in.
pub(super) enum Incoming {
    /// A text message.
    Text(ByteString),
    /// Something that only shows that the peer is alive.
    Life,
}

impl Connection {
    pub(super) const fn new(
        socket: Session,
        messages: AggregatedMessageStream,
        flow: Flow,
        bulk: Bulk,
        send_timeout: Duration,
    ) -> Self {
        Self {
            socket,
            messages,
            flow,
            bulk,
            send_timeout,
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`Closing::SLOW`] if the peer does not take it in time, [`Closing::LEFT`] if it has gone.
    pub(super) async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Closing> {
        let mut text = Vec::with_capacity(message.size_hint());
        serde_json::to_writer(&mut text, message).map_err(|_| Closing::INTERNAL)?;
        let text = ByteString::try_from(text).map_err(|_| Closing::INTERNAL)?;
        let Self {
            socket,
            flow,
            bulk,
            send_timeout,
            ..
        } = self;
        let room = bulk.take(text.len(), *send_timeout).await;
        let room = room.map_err(|NoRoom| Closing::UNAVAILABLE)?;
        let sending = async {
            flow.room().await;
            flow.sent(text.len(), room);
            socket.text(text).await
        };
        in_time(*send_timeout, sending).await
    }

    /// Holds the place of the watcher for as long as anything of the connection is in memory.
    pub(super) fn hold(&self, place: WatcherPlace) {
        self.flow.hold(place);
    }

    /// Asks the peer for a sign of life.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(super) async fn ping(&mut self) -> Result<(), Closing> {
        in_time(self.send_timeout, self.socket.ping(b"")).await
    }

    /// Waits for what comes in next; pings are answered here. Cancel-safe until something has come in.
    ///
    /// # Errors
    /// Why the socket must be closed after what came in.
    pub(super) async fn receive(&mut self) -> Result<Incoming, Closing> {
        // Whoever sends without a pause lets others have their turn, too.
        tokio::task::coop::consume_budget().await;
        let message = match self.messages.recv().await {
            None => return Err(Closing::LEFT),
            Some(Err(error)) => return Err(violation(&error)),
            Some(Ok(message)) => message,
        };
        match message {
            AggregatedMessage::Text(text) => Ok(Incoming::Text(text)),
            AggregatedMessage::Binary(_) => Err(Closing::BINARY),
            AggregatedMessage::Pong(_) => Ok(Incoming::Life),
            AggregatedMessage::Close(_) => Err(Closing::LEFT),
            AggregatedMessage::Ping(bytes) => {
                Box::pin(in_time(self.send_timeout, self.socket.pong(&bytes))).await?;
                Ok(Incoming::Life)
            }
        }
    }

    /// Sends a close frame and waits for the peer's, but not where the peer has closed or gone before.
    pub(super) async fn close(self, closing: Closing, patience: Duration) {
        let Self {
            socket,
            messages,
            flow: _,
            bulk: _,
            send_timeout,
        } = self;
        // A peer that does not even take the close frame is cut off by the kernel later.
        drop(tokio::time::timeout(send_timeout, socket.close(Some(closing.into()))).await);
        let handshake = async {
            match closing {
                Closing::LEFT => {}
                Closing::TOO_BIG | Closing::MALFORMED => discard(messages).await,
                _ => closed_by_peer(messages).await,
            }
        };
        drop(tokio::time::timeout(patience, handshake).await);
    }
}

/// Waits for the peer's close frame, or until it has gone.
async fn closed_by_peer(mut messages: AggregatedMessageStream) {
    loop {
        match messages.recv().await {
            None | Some(Ok(AggregatedMessage::Close(_))) => return,
            Some(Ok(
                AggregatedMessage::Text(_)
                | AggregatedMessage::Binary(_)
                | AggregatedMessage::Ping(_)
                | AggregatedMessage::Pong(_),
            )) => {}
            Some(Err(error)) if violation(&error) == Closing::LEFT => return,
            Some(Err(_)) => return discard(messages).await,
        }
    }
}

/// Lets all that comes be discarded, for ever: after a violation even a close frame cannot be told from the rest, and a
/// peer that still sends must not be cut off before it reads why.
async fn discard(messages: AggregatedMessageStream) {
    drop(messages);
    pending::<()>().await;
}

/// Waits for what is sent, but not for ever. The timer is made only for a peer that does not take it at once, and does not
/// count among what every socket holds.
async fn in_time(
    timeout: Duration,
    sending: impl Future<Output = Result<(), actix_ws::Closed>>,
) -> Result<(), Closing> {
    let mut sending = pin!(sending);
    let sent = match sending.as_mut().now_or_never() {
        Some(sent) => Ok(sent),
        None => Box::pin(tokio::time::timeout(timeout, sending)).await,
    };
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Closing::LEFT),
        Err(_) => Err(Closing::SLOW),
    }
}

fn violation(error: &ProtocolError) -> Closing {
    match error {
        ProtocolError::Io(error) if has_gone(error) => Closing::LEFT,
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Closing::MALFORMED
        }
        // What is left of `Io` stands for a message too big in all its pieces.
        ProtocolError::Overflow | ProtocolError::Io(_) => Closing::TOO_BIG,
        ProtocolError::UnmaskedFrame
        | ProtocolError::MaskedFrame
        | ProtocolError::InvalidOpcode(_)
        | ProtocolError::InvalidLength(_)
        | ProtocolError::BadOpCode
        | ProtocolError::ContinuationNotStarted
        | ProtocolError::ContinuationStarted
        | ProtocolError::ContinuationFragment(_) => Closing::MALFORMED,
    }
}

/// Whether the connection ended without a close frame.
fn has_gone(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(PayloadError::Incomplete(_)))
}
