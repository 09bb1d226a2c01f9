//! Encodes the steps of scripts, and decodes their replies.
//!
//! A step is a header and a blob. The header is msgpack values one after the other: the name of the step, its execution and
//! the owner of that (or nil), and the step's own arguments. The blob is a record or an outcome that the script stores without
//! decoding it.
//! The script answers each step with a msgpack value: a word, or a map of one word to what belongs to it, which is how
//! serde represents an enum. `take` is answered with a list of byte strings, because records are too long to be encoded.

use bytes::{Buf as _, Bytes};
use coderun_domain::ExecutionId;
use deadpool_redis::redis::{Cmd, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::adapter_error::AdapterError;
use crate::reply::{UnexpectedReply, byte_strings};

/// A script; each contains the steps that are named after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Script {
    /// `submit`, `take`, `finish`, `renew`, `append` and `watch`.
    Hot,
    /// All other steps.
    Rare,
}

/// What a script is asked to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    header: Bytes,
    /// Replaces the header when the step is sent again.
    repeated_header: Option<Bytes>,
    /// Empty for most steps.
    pub(crate) blob: Bytes,
    /// The value to be stored before the script runs.
    pub(crate) staged: Option<StagedValue>,
    /// Whether the replicas must have stored the changes of this step.
    pub(crate) is_replicated: bool,
}

/// A large value that goes to a key of its own right before the group, whose script renames that key.
#[derive(Debug, Clone)]
pub(crate) struct StagedValue {
    pub(crate) key: String,
    pub(crate) value: Bytes,
}

impl StagedValue {
    /// The lifetime of the key if no script uses it, in milliseconds.
    const LIFETIME_MS: u32 = 60_000;

    /// The command that stores the value.
    pub(crate) fn command(&self) -> Cmd {
        let mut set = Cmd::new();
        set.arg("SET").arg(&self.key).arg(&self.value[..]);
        set.arg("PX").arg(Self::LIFETIME_MS);
        set
    }
}

impl Step {
    /// The step with this header, a tuple.
    pub(crate) fn new(header: &impl Serialize) -> Result<Self, AdapterError> {
        Ok(Self::of(encode_values(header)?))
    }

    /// The step with this encoded header.
    pub(crate) fn of(header: impl Into<Bytes>) -> Self {
        let header = header.into();
        Self {
            header,
            ..Self::default()
        }
    }

    /// The same with another encoded header for repetitions.
    pub(crate) fn with_repeated(self, header: impl Into<Bytes>) -> Self {
        let repeated_header = Some(header.into());
        Self {
            repeated_header,
            ..self
        }
    }

    /// The same with a blob.
    pub(crate) fn with_blob(self, blob: impl Into<Bytes>) -> Self {
        let blob = blob.into();
        Self { blob, ..self }
    }

    /// The same with byte strings as the last value of the header: the scripts know no bytes but those of texts.
    pub(crate) fn with_texts(self, texts: &[Vec<u8>]) -> Self {
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let mut header = self.header.to_vec();
        // Writing to memory cannot fail.
        let _ = rmp::encode::write_array_len(&mut header, length(texts.len()));
        for text in texts {
            let _ = rmp::encode::write_str_len(&mut header, length(text.len()));
            header.extend_from_slice(text);
        }
        let header = Bytes::from(header);
        Self { header, ..self }
    }

    /// The same with a value that is staged under this key. The header names the nonce in the key.
    pub(crate) fn with_staged(self, key: String, value: impl Into<Bytes>) -> Self {
        let value = value.into();
        let staged = Some(StagedValue { key, value });
        Self { staged, ..self }
    }

    /// The same, but it succeeds only when the configured number of replicas have stored its changes.
    pub(crate) fn replicated(self) -> Self {
        Self {
            is_replicated: true,
            ..self
        }
    }

    /// The header for the first time that the step is sent, or for a later one.
    pub(crate) fn header(&self, is_repeated: bool) -> &Bytes {
        let repeated = self.repeated_header.as_ref().filter(|_| is_repeated);
        repeated.unwrap_or(&self.header)
    }
}

/// Encodes the values of a tuple for scripts, structures in it as arrays. There is no length before them: so they are fastest to
/// read for a script.
pub(crate) fn encode_values(tuple: &impl Serialize) -> Result<Bytes, AdapterError> {
    let encoded = rmp_serde::to_vec(tuple).map_err(AdapterError::EncodeStep)?;
    let mut encoded = Bytes::from(encoded);
    let length_bytes = match encoded.first() {
        Some(0xdc) => 3,
        Some(_) => 1,
        None => 0,
    };
    encoded.advance(length_bytes);
    Ok(encoded)
}

/// The reply of a step, as the script has answered it.
#[derive(Debug, PartialEq)]
pub(crate) struct StepReply(pub(crate) Value);

/// The reply of a step that answers no more than that it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DoneReply {
    Done,
    Absent,
}

/// The reply of a step that may not touch a record of a newer version.
const NEWER: &[u8] = b"\xa5newer";
/// The reply of a step whose caller does not hold the lease.
const LOST: &[u8] = b"\xa4lost";
/// The reply of a step whose staged value is not there.
const UNSTAGED: &[u8] = b"\xa8unstaged";

impl StepReply {
    /// Whether the value that was staged for the step had gone before it ran.
    pub(crate) fn is_unstaged(&self) -> bool {
        self.bytes() == UNSTAGED
    }

    /// The bytes of an encoded value; empty for a list.
    fn bytes(&self) -> &[u8] {
        if let Value::BulkString(bytes) = &self.0 {
            bytes
        } else {
            &[]
        }
    }

    /// The byte strings of a list.
    pub(crate) fn into_list(self) -> Result<Vec<ByteBuf>, UnexpectedReply> {
        byte_strings(self.0)
    }

    /// Decodes the reply.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, UnexpectedReply> {
        rmp_serde::from_slice(self.bytes()).map_err(|_| UnexpectedReply)
    }

    /// Decodes the reply of a step on one execution.
    pub(crate) fn decode_for<T: DeserializeOwned>(
        &self,
        id: ExecutionId,
    ) -> Result<T, AdapterError> {
        match self.bytes() {
            NEWER => Err(AdapterError::NewerRecord(id)),
            LOST => Err(AdapterError::LeaseLost),
            _ => Ok(self.decode()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Answer {
        Done,
        Sequence(u64),
        #[serde(with = "serde_bytes")]
        Record(Vec<u8>),
    }

    fn decode(bytes: &[u8]) -> Result<Answer, UnexpectedReply> {
        StepReply(Value::BulkString(bytes.to_vec())).decode()
    }

    #[test]
    fn a_reply_is_a_word_or_a_map_of_one_word() {
        assert_eq!(decode(b"\xa4done"), Ok(Answer::Done));
        assert_eq!(decode(b"\x81\xa8sequence\x07"), Ok(Answer::Sequence(7)));
        assert_eq!(decode(b"\xa4what"), Err(UnexpectedReply));
    }

    /// Scripts write all texts as strings.
    #[test]
    fn a_string_that_is_not_utf8_is_bytes() {
        let record = decode(b"\x81\xa6record\xa2\xff\x00");
        assert_eq!(record, Ok(Answer::Record(vec![0xff, 0])));
    }

    #[test]
    fn a_record_of_a_newer_version_and_a_lost_lease_are_errors() {
        let id = coderun_domain::testing::execution_id(1);
        let decode = |reply: &[u8]| {
            let reply = StepReply(Value::BulkString(reply.to_vec()));
            reply.decode_for::<Answer>(id)
        };
        assert!(matches!(decode(NEWER), Err(AdapterError::NewerRecord(it)) if it == id));
        assert!(matches!(decode(LOST), Err(AdapterError::LeaseLost)));
    }
}
