//! Identifies executions, users and workers, and numbers attempts and events.

use std::fmt;
use std::str::FromStr;

use uuid::{Builder, Uuid};

/// Identifies one execution; opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecutionId(Uuid);

impl ExecutionId {
    /// Wraps an id that an [`IdGenerator`](crate::IdGenerator) or a store provides.
    #[must_use]
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// An id of 122 bits of these bytes, such as those of a digest, as a UUID of version 8.
    #[must_use]
    pub const fn from_digest(bytes: [u8; 16]) -> Self {
        Self(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for ExecutionId {
    type Err = IdentifierError;

    /// Parses the hyphenated form that [`Display`](fmt::Display) prints, in any case, and nothing else.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(Self(id)),
            Ok(_) | Err(_) => Err(IdentifierError::NotAnExecutionId),
        }
    }
}

/// Identifies a user, as the identity provider names them (`sub` of the token).
///
/// 1 to [`UserId::MAX_UTF16_UNITS`] UTF-16 code units without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// The longest user id, in UTF-16 code units (the provider counts so).
    pub const MAX_UTF16_UNITS: usize = 128;

    /// Checks and wraps a user id.
    ///
    /// # Errors
    /// [`IdentifierError::Empty`], [`IdentifierError::TooLong`] or [`IdentifierError::ControlCharacter`].
    pub fn parse(text: impl Into<String>) -> Result<Self, IdentifierError> {
        let text = text.into();
        check_name(&text, text.encode_utf16().count(), Self::MAX_UTF16_UNITS)?;
        Ok(Self(text))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identifies one worker process among all replicas.
///
/// 1 to [`WorkerId::MAX_BYTES`] bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(String);

impl WorkerId {
    /// The longest worker id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Checks and wraps a worker id.
    ///
    /// # Errors
    /// [`IdentifierError::Empty`], [`IdentifierError::TooLong`] or [`IdentifierError::ControlCharacter`].
    pub fn parse(text: impl Into<String>) -> Result<Self, IdentifierError> {
        let text = text.into();
        check_name(&text, text.len(), Self::MAX_BYTES)?;
        Ok(Self(text))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a submission for its user, so that a repetition of it is not run again.
///
/// 1 to [`IdempotencyKey::MAX_BYTES`] visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    text: String,
    entry: Option<u32>,
}

impl IdempotencyKey {
    /// The longest key, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Checks and wraps a key.
    ///
    /// # Errors
    /// [`IdentifierError::Empty`], [`IdentifierError::TooLong`] or [`IdentifierError::NotVisibleAscii`].
    pub fn parse(text: impl Into<String>) -> Result<Self, IdentifierError> {
        let text = text.into();
        check_name(&text, text.len(), Self::MAX_BYTES)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IdentifierError::NotVisibleAscii);
        }
        Ok(Self { text, entry: None })
    }

    /// The key of one of several submissions that came together under this key: that of no other one.
    #[must_use]
    pub fn of_entry(&self, index: u32) -> Self {
        Self {
            text: self.text.clone(),
            entry: Some(index),
        }
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The place of the submission among several under the same key; `None` if it is the only one.
    #[must_use]
    pub const fn entry(&self) -> Option<u32> {
        self.entry
    }
}

impl fmt::Debug for IdempotencyKey {
    /// Does not show the key: clients may put anything into it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyKey").finish_non_exhaustive()
    }
}

/// The number of times that a worker has taken an execution: the fence that keeps a stale worker out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Attempt(u32);

impl Attempt {
    /// No worker has taken the execution yet.
    pub const NONE: Self = Self(0);

    /// Wraps a stored count.
    #[must_use]
    pub const fn from_count(count: u32) -> Self {
        Self(count)
    }

    /// The number of attempts so far.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0
    }

    /// The attempt after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers the stored events of one execution: 1, 2, 3 … without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(u64);

impl Sequence {
    /// Before the first event; "everything after this" is everything.
    pub const START: Self = Self(0);

    /// Wraps a stored or received number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number of the event.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The number `count` events later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The number of the event after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// The text is not a hyphenated UUID.
    #[error("not an execution id: a hyphenated UUID is expected")]
    NotAnExecutionId,
    /// There is no text.
    #[error("must not be empty")]
    Empty,
    /// The text is longer than allowed.
    #[error("is {actual} units long, at most {max} are allowed")]
    TooLong {
        /// The length found.
        actual: usize,
        /// The greatest length allowed, in the same unit.
        max: usize,
    },
    /// The text holds a control character.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// The text holds another character than the visible ones of ASCII.
    #[error("must contain visible ASCII characters only")]
    NotVisibleAscii,
}

fn check_name(text: &str, length: usize, max: usize) -> Result<(), IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty);
    }
    if length > max {
        return Err(IdentifierError::TooLong {
            actual: length,
            max,
        });
    }
    if text.chars().any(char::is_control) {
        return Err(IdentifierError::ControlCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn execution_id_reads_what_it_prints() {
        let text = "5d787309-96dc-4a3b-8b6c-0d8b8e6b7f10";
        let id: ExecutionId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
    }

    #[test]
    fn execution_id_has_one_spelling() {
        for text in [
            "",
            "x",
            "5d78730996dc4a3b8b6c0d8b8e6b7f10",
            "{5d787309-96dc-4a3b-8b6c-0d8b8e6b7f10}",
            "urn:uuid:5d787309-96dc-4a3b-8b6c-0d8b8e6b7f10",
        ] {
            assert_eq!(
                text.parse::<ExecutionId>(),
                Err(IdentifierError::NotAnExecutionId)
            );
        }
    }

    #[test]
    fn user_id_counts_utf16_units() {
        assert!(UserId::parse("😀".repeat(64)).is_ok());
        assert_eq!(
            UserId::parse("😀".repeat(64) + "x"),
            Err(IdentifierError::TooLong {
                actual: 129,
                max: 128
            })
        );
    }

    #[test]
    fn idempotency_keys_are_short_visible_ascii() {
        let key = "!\"8e03978e-40d5\"~";
        assert_eq!(IdempotencyKey::parse(key).unwrap().as_str(), key);
        assert!(IdempotencyKey::parse("k".repeat(255)).is_ok());
        assert!(IdempotencyKey::parse("k".repeat(256)).is_err());
        assert_eq!(IdempotencyKey::parse(""), Err(IdentifierError::Empty));
        for text in ["a b", "ä"] {
            let error = IdempotencyKey::parse(text);
            assert_eq!(error, Err(IdentifierError::NotVisibleAscii));
        }
    }

    #[test]
    fn names_are_neither_empty_nor_control() {
        assert_eq!(UserId::parse(""), Err(IdentifierError::Empty));
        assert_eq!(
            UserId::parse("a\nb"),
            Err(IdentifierError::ControlCharacter)
        );
        assert_eq!(WorkerId::parse(""), Err(IdentifierError::Empty));
        assert!(WorkerId::parse("w".repeat(128)).is_ok());
        assert!(WorkerId::parse("w".repeat(129)).is_err());
    }
}
