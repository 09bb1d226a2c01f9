//! Stores input that was sent to a running program: `d…` is data, byte for byte, and `e` is the end.

use bytes::Bytes;
use coderun_domain::InputPiece;

use crate::RecordError;

/// Writes a piece of input.
#[must_use]
pub fn encode_input(piece: &InputPiece) -> Vec<u8> {
    match piece {
        InputPiece::Data(bytes) => [b"d", bytes.as_ref()].concat(),
        InputPiece::End => b"e".to_vec(),
    }
}

/// Reads a piece of input.
///
/// # Errors
/// [`RecordError::Input`] if it is not a piece of input.
pub fn decode_input(stored: Vec<u8>) -> Result<InputPiece, RecordError> {
    let stored = Bytes::from(stored);
    match stored.split_first() {
        Some((b'd', [_, ..])) => Ok(InputPiece::Data(stored.slice(1..))),
        Some((b'e', [])) => Ok(InputPiece::End),
        Some(_) | None => Err(RecordError::Input),
    }
}
