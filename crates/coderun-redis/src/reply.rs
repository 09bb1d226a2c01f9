//! Reads the kinds of replies of the server.

use deadpool_redis::redis::Value;
use serde_bytes::ByteBuf;

/// Reads an array.
pub(crate) fn array(value: Value) -> Result<Vec<Value>, UnexpectedReply> {
    if let Value::Array(values) = value {
        Ok(values)
    } else {
        Err(UnexpectedReply)
    }
}

/// Reads an array of bytes.
pub(crate) fn byte_strings(value: Value) -> Result<Vec<ByteBuf>, UnexpectedReply> {
    let values = array(value)?.into_iter();
    values
        .map(|value| bytes(value).map(ByteBuf::from))
        .collect()
}

/// Reads bytes.
pub(crate) fn bytes(value: Value) -> Result<Vec<u8>, UnexpectedReply> {
    if let Value::BulkString(bytes) = value {
        Ok(bytes)
    } else {
        Err(UnexpectedReply)
    }
}

/// Reads bytes, or nothing as no bytes.
pub(crate) fn optional_bytes(value: Value) -> Result<ByteBuf, UnexpectedReply> {
    if value == Value::Nil {
        return Ok(ByteBuf::new());
    }
    bytes(value).map(ByteBuf::from)
}

/// Reads text.
pub(crate) fn text(value: Value) -> Result<String, UnexpectedReply> {
    String::from_utf8(bytes(value)?).map_err(|_| UnexpectedReply)
}

/// The server sent a reply that no script makes. The text does not show it, because it may contain code or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent an unexpected reply")]
pub(crate) struct UnexpectedReply;
