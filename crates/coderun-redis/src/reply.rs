//! Decodes the replies of scripts: arrays that begin with a word.

use deadpool_redis::redis::Value;

/// The reply of a step.
pub(crate) struct Reply {
    word: String,
    rest: std::vec::IntoIter<Value>,
}

impl Reply {
    /// Reads a reply that begins with a word.
    pub(crate) fn read(value: Value) -> Result<Self, UnexpectedReply> {
        let mut rest = array(value)?.into_iter();
        let word = rest.next().ok_or(UnexpectedReply)?;
        Ok(Self {
            word: text(word)?,
            rest,
        })
    }

    /// The word that names the kind of reply.
    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Result<Value, UnexpectedReply> {
        self.rest.next().ok_or(UnexpectedReply)
    }

    /// The next value, which is text.
    pub(crate) fn text(&mut self) -> Result<String, UnexpectedReply> {
        text(self.value()?)
    }

    /// The next value, which is a number.
    pub(crate) fn number(&mut self) -> Result<u64, UnexpectedReply> {
        number(&self.value()?)
    }
}

/// Reads an array.
pub(crate) fn array(value: Value) -> Result<Vec<Value>, UnexpectedReply> {
    if let Value::Array(values) = value {
        Ok(values)
    } else {
        Err(UnexpectedReply)
    }
}

/// Reads bytes.
pub(crate) fn bytes(value: Value) -> Result<Vec<u8>, UnexpectedReply> {
    if let Value::BulkString(bytes) = value {
        Ok(bytes)
    } else {
        Err(UnexpectedReply)
    }
}

/// Reads text.
pub(crate) fn text(value: Value) -> Result<String, UnexpectedReply> {
    String::from_utf8(bytes(value)?).map_err(|_| UnexpectedReply)
}

/// Reads a number that is not negative, written as one or as text.
pub(crate) fn number(value: &Value) -> Result<u64, UnexpectedReply> {
    if let Value::Int(number) = value {
        u64::try_from(*number).map_err(|_| UnexpectedReply)
    } else if let Value::BulkString(digits) = value {
        let digits = str::from_utf8(digits).map_err(|_| UnexpectedReply)?;
        digits.parse().map_err(|_| UnexpectedReply)
    } else {
        Err(UnexpectedReply)
    }
}

/// The server sent a reply that no script makes. The text does not show it, because it may contain code or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent an unexpected reply")]
pub(crate) struct UnexpectedReply;
