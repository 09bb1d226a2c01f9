//! Writes the frames of a stream of events.

use std::io::Write as _;

use actix_web::web::Bytes;

use crate::wire::ServerMessage;

/// The milliseconds after which a client reconnects when its stream has ended.
const RETRY_MS: u32 = 1_000;

/// The size of a frame without its message, roughly.
const FRAME_BYTES: usize = 64;

/// The first frame of every stream: when to reconnect after its end.
pub(super) fn retry() -> Bytes {
    Bytes::from(format!("retry: {RETRY_MS}\n\n"))
}

/// A comment. Clients ignore it; it shows that the connection is alive.
pub(super) const fn comment() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// One event: its type, its number if it is stored, and the same JSON as on a WebSocket.
///
/// # Errors
/// If the message cannot be serialized.
pub(super) fn event(message: &ServerMessage<'_>) -> Result<Bytes, serde_json::Error> {
    let mut frame = Vec::with_capacity(FRAME_BYTES + message.size_hint());
    let io = serde_json::Error::io;
    writeln!(frame, "event: {}", message.kind).map_err(io)?;
    if let Some(sequence) = message.seq {
        writeln!(frame, "id: {sequence}").map_err(io)?;
    }
    frame.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut frame, message)?;
    frame.extend_from_slice(b"\n\n");
    Ok(Bytes::from(frame))
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution_id;
    use coderun_domain::{Attempt, OutputChunk, OutputStream, Sequence};

    use super::*;

    fn text(message: &ServerMessage<'_>) -> String {
        String::from_utf8(event(message).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_stored_event_has_its_number_and_line_ends_are_escaped() {
        let chunk = OutputChunk {
            stream: OutputStream::Stdout,
            bytes: Bytes::from_static("a\nb\r\n\u{2028}\n\n".as_bytes()),
            attempt: Attempt::from_count(1),
        };
        let message = ServerMessage::output(execution_id(1), Sequence::from_number(9), &chunk);
        let frame = text(&message);
        let lines: Vec<&str> = frame.split('\n').collect();
        assert_eq!(lines.len(), 5, "{frame}");
        assert_eq!(lines[..2], ["event: execution_output", "id: 9"]);
        let data = lines[2].strip_prefix("data: ").unwrap();
        assert_eq!(data, serde_json::to_string(&message).unwrap());
        assert!(!frame.contains('\r'));
    }

    #[test]
    fn an_event_of_the_connection_has_no_number() {
        let frame = text(&ServerMessage::queue(3, None));
        assert_eq!(
            frame,
            "event: queue\ndata: {\"type\":\"queue\",\"data\":{\"position\":3,\"estimated_start_ms\":null}}\n\n"
        );
    }
}
