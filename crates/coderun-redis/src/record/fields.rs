//! The fields of a record as they come from the server.

use bytes::Bytes;
use deadpool_redis::redis::Value;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::RecordError;
use crate::reply::{Surprise, array, bytes};

/// The fields of a record, each to be taken once. There are few, so they are looked through.
#[derive(Default)]
pub(crate) struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    /// Reads the answer to `HGETALL`, or a script's copy of it.
    pub(crate) fn read(value: Value) -> Result<Self, Surprise> {
        let pairs = if let Value::Map(pairs) = value {
            pairs
        } else {
            pair_up(array(value)?)
        };
        let mut fields = Vec::with_capacity(pairs.len());
        for pair in pairs {
            fields.push((bytes(pair.0)?, bytes(pair.1)?));
        }
        Ok(Self(fields))
    }

    /// Whether there is nothing in it: no such record.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them; those whose name is no text are left out.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let pairs = self.0.into_iter();
        pairs.filter_map(|(name, value)| Some((String::from_utf8(name).ok()?, value)))
    }

    /// Whether a final record has outlived its time, as whoever ended it said.
    pub(crate) fn has_expired(&self, now: OffsetDateTime) -> bool {
        let state = self.0.iter().find(|(name, _)| name == b"state");
        let state = state.and_then(|(_, state)| str::from_utf8(state).ok());
        state.is_some_and(|state| super::progress::has_expired(state, super::micros(now)))
    }

    /// Takes a field that may be missing.
    pub(crate) fn find(&mut self, name: &'static str) -> Option<Vec<u8>> {
        let index = self
            .0
            .iter()
            .position(|(known, _)| known == name.as_bytes())?;
        Some(self.0.swap_remove(index).1)
    }

    /// Takes a field.
    pub(crate) fn bytes(&mut self, name: &'static str) -> Result<Bytes, RecordError> {
        let found = self.find(name).ok_or(RecordError::Missing(name))?;
        Ok(Bytes::from(found))
    }

    /// Takes a field that is text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<String, RecordError> {
        let found = self.find(name).ok_or(RecordError::Missing(name))?;
        into_text(name, found)
    }

    /// Takes a field that is text and may be missing.
    pub(crate) fn optional_text(
        &mut self,
        name: &'static str,
    ) -> Result<Option<String>, RecordError> {
        self.find(name)
            .map(|found| into_text(name, found))
            .transpose()
    }

    /// Takes a field that is JSON.
    pub(crate) fn json<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<T, RecordError> {
        let found = self.find(name).ok_or(RecordError::Missing(name))?;
        serde_json::from_slice(&found)
            .map_err(|error| RecordError::Malformed(name, Box::new(error)))
    }
}

fn pair_up(flat: Vec<Value>) -> Vec<(Value, Value)> {
    let mut values = flat.into_iter();
    let mut pairs = Vec::with_capacity(values.len() / 2);
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        pairs.push((name, value));
    }
    pairs
}

fn into_text(name: &'static str, bytes: Vec<u8>) -> Result<String, RecordError> {
    String::from_utf8(bytes).map_err(|error| RecordError::Malformed(name, Box::new(error)))
}
