//! Reads the messages of a client from the bytes that have arrived, with `tungstenite`.

use std::io::{self, Cursor, ErrorKind, Read, Write};

use bytes::Bytes;
use coderun_domain::ByteSize;
use tokio::net::TcpStream;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message, Utf8Bytes};

use super::CloseFrame;

/// The bytes that are read at once. Each socket has a buffer of this size; it grows for a longer message.
const READ_BYTES: usize = 1 << 10;

/// The most bytes that are read before other sockets have their turn, however many have arrived.
const TURN_MAX_BYTES: usize = 64 << 10;

/// What a client has sent.
pub(super) enum Incoming {
    Text(Utf8Bytes),
    /// A ping, for which a pong is prepared.
    Ping,
    Pong,
    /// No whole message yet.
    Nothing,
}

/// The state of what a client sends: bytes of an unfinished frame, and fragments of an unfinished message.
pub(super) struct MessageReader {
    context: WebSocketContext,
    has_read_all: bool,
    /// The bytes that were read since the last whole message.
    unfinished_bytes: usize,
}

impl MessageReader {
    /// The longest message that is read.
    pub(super) const MESSAGE_MAX_BYTES: usize = 1 << 20;

    /// A reader for a client that has already sent these bytes.
    pub(super) fn new(received: Vec<u8>) -> Self {
        let max = Some(Self::MESSAGE_MAX_BYTES);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_frame_size(max)
            .max_message_size(max);
        let (role, config) = (Role::Server, Some(config));
        let context = WebSocketContext::from_partially_read(received, role, config);
        Self {
            context,
            has_read_all: false,
            unfinished_bytes: 0,
        }
    }

    /// The bytes that have arrived of a message that is not whole yet.
    pub(super) fn unfinished(&self) -> ByteSize {
        ByteSize::from_bytes(u64::try_from(self.unfinished_bytes).unwrap_or(u64::MAX))
    }

    /// Whether there is no message before more bytes arrive.
    pub(super) const fn has_read_all(&self) -> bool {
        self.has_read_all
    }

    /// Reads what has arrived.
    ///
    /// # Errors
    /// The close frame to answer it with; [`CloseFrame::PEER_LEFT`] if it is a close frame or the end.
    pub(super) fn read(&mut self, stream: &TcpStream) -> Result<Incoming, CloseFrame> {
        let mut arrived = Arrived::at(stream);
        let read = self.context.read(&mut arrived);
        self.has_read_all = false;
        self.unfinished_bytes += TURN_MAX_BYTES - arrived.left_bytes;
        if read.is_ok() {
            self.unfinished_bytes = 0;
        }
        match read {
            Ok(Message::Text(text)) => Ok(Incoming::Text(text)),
            Ok(Message::Ping(_)) => Ok(Incoming::Ping),
            Ok(Message::Pong(_)) => Ok(Incoming::Pong),
            Ok(Message::Binary(_)) => Err(CloseFrame::BINARY_MESSAGE),
            Ok(Message::Close(Some(close))) if close == refused_close() => {
                Err(CloseFrame::PROTOCOL_ERROR)
            }
            Ok(Message::Close(_) | Message::Frame(_)) => Err(CloseFrame::PEER_LEFT),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                self.has_read_all = true;
                Ok(Incoming::Nothing)
            }
            Err(error) => Err(close_frame_for(&error)),
        }
    }

    /// Takes the frame that answers the last ping.
    ///
    /// # Errors
    /// The close frame for a failure, which cannot happen after a ping.
    pub(super) fn take_pong(&mut self) -> Result<Bytes, CloseFrame> {
        let mut written = Cursor::new(Vec::new());
        let taken = self.context.flush(&mut written);
        taken.map_err(|error| close_frame_for(&error))?;
        Ok(written.into_inner().into())
    }
}

/// The bytes that have arrived from a client. Nothing is written to it: a pong that is not taken is left out.
struct Arrived<'a> {
    stream: &'a TcpStream,
    left_bytes: usize,
}

impl<'a> Arrived<'a> {
    const fn at(stream: &'a TcpStream) -> Self {
        Self {
            stream,
            left_bytes: TURN_MAX_BYTES,
        }
    }
}

impl Read for Arrived<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left_bytes == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let read = self.stream.try_read(buffer)?;
        self.left_bytes = self.left_bytes.saturating_sub(read);
        Ok(read)
    }
}

impl Write for Arrived<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `tungstenite` reads in place of a close frame whose code must not be sent (RFC 6455, section 7.4).
const fn refused_close() -> frame::CloseFrame {
    frame::CloseFrame {
        code: CloseCode::Protocol,
        reason: Utf8Bytes::from_static("Protocol violation"),
    }
}

fn close_frame_for(error: &Error) -> CloseFrame {
    let has_left = matches!(
        error,
        Error::Io(_)
            | Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
    );
    if has_left {
        CloseFrame::PEER_LEFT
    } else if matches!(error, Error::Capacity(_)) {
        CloseFrame::MESSAGE_TOO_BIG
    } else {
        CloseFrame::PROTOCOL_ERROR
    }
}
