//! Both directions of one socket, with every wait bounded.

use std::time::Duration;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use serde::Serialize;

use super::Closing;

/// Both directions of one socket.
pub(super) struct Connection {
    socket: Session,
    messages: AggregatedMessageStream,
    send_timeout: Duration,
}

/// What came in.
pub(super) enum Incoming {
    /// A text message.
    Text(String),
    /// Something that only shows that the peer is alive.
    Life,
}

impl Connection {
    pub(super) const fn new(
        socket: Session,
        messages: AggregatedMessageStream,
        send_timeout: Duration,
    ) -> Self {
        Self {
            socket,
            messages,
            send_timeout,
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`Closing::SLOW`] if the peer does not take it in time, [`Closing::LEFT`] if it has gone.
    pub(super) async fn send(&mut self, message: &impl Serialize) -> Result<(), Closing> {
        let text = serde_json::to_string(message).map_err(|_| Closing::INTERNAL)?;
        in_time(self.send_timeout, self.socket.text(text)).await
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
        let message = match self.messages.recv().await {
            None => return Err(Closing::LEFT),
            Some(Err(error)) => return Err(violation(&error)),
            Some(Ok(message)) => message,
        };
        match message {
            AggregatedMessage::Text(text) => Ok(Incoming::Text(text.to_string())),
            AggregatedMessage::Binary(_) => Err(Closing::BINARY),
            AggregatedMessage::Pong(_) => Ok(Incoming::Life),
            AggregatedMessage::Close(_) => Err(Closing::LEFT),
            AggregatedMessage::Ping(bytes) => {
                in_time(self.send_timeout, self.socket.pong(&bytes)).await?;
                Ok(Incoming::Life)
            }
        }
    }
}

async fn in_time(
    timeout: Duration,
    sending: impl Future<Output = Result<(), actix_ws::Closed>>,
) -> Result<(), Closing> {
    match tokio::time::timeout(timeout, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Closing::LEFT),
        Err(_) => Err(Closing::SLOW),
    }
}

fn violation(error: &ProtocolError) -> Closing {
    match error {
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Closing::MALFORMED
        }
        // `Io` stands for a message too big in all its pieces, and for a connection that broke: there nobody reads the
        // code.
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
