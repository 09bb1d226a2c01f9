//! Holds the fields of a record as they were stored.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use coderun_domain::{BackendError, Output};
use serde::de::DeserializeOwned;

use crate::RecordError;

/// A field of a record and its value, to be stored.
pub type Field<'a> = (&'static str, Cow<'a, [u8]>);

/// The stored fields of a record. Each can be taken once. `Debug` shows their number only.
#[derive(Default)]
pub struct Fields(HashMap<Vec<u8>, Vec<u8>>);

impl Fields {
    /// Wraps names and values, in any order. Names must be unique.
    #[must_use]
    pub fn from_pairs(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// Whether there are no fields. Before anything is taken, that means that the record does not exist.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields that were not taken, except those whose name is not UTF-8, which no version has written.
    pub fn into_pairs(self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let pairs = self.0.into_iter();
        pairs.filter_map(|(name, value)| Some((String::from_utf8(name).ok()?, value)))
    }

    /// Borrows a field's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name.as_bytes()).map(Vec::as_slice)
    }

    /// Takes a field that is text.
    ///
    /// # Errors
    /// [`RecordError::Missing`] if it is not there, [`RecordError::Malformed`] if it is not UTF-8.
    pub fn take_text(&mut self, name: &'static str) -> Result<String, RecordError> {
        self.take_optional_text(name)?
            .ok_or(RecordError::Missing(name))
    }

    /// Takes a field that is text and may be missing.
    ///
    /// # Errors
    /// [`RecordError::Malformed`] if it is not UTF-8.
    pub fn take_optional_text(
        &mut self,
        name: &'static str,
    ) -> Result<Option<String>, RecordError> {
        let value = self.take(name).map(String::from_utf8).transpose();
        value.map_err(|error| RecordError::Malformed(name, error.utf8_error().into()))
    }

    /// Takes a field that may be missing.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Vec<u8>> {
        self.0.remove(name.as_bytes())
    }

    /// Takes a field.
    pub(crate) fn take_bytes(&mut self, name: &'static str) -> Result<Bytes, RecordError> {
        let value = self.take(name).ok_or(RecordError::Missing(name))?;
        Ok(Bytes::from(value))
    }

    /// Takes captured output.
    pub(crate) fn take_output(
        &mut self,
        name: &'static str,
        truncated: bool,
    ) -> Result<Output, RecordError> {
        let bytes = self.take_bytes(name)?;
        Ok(if truncated {
            Output::truncated(bytes)
        } else {
            Output::complete(bytes)
        })
    }

    /// Takes a field that is a structure in msgpack. Earlier builds wrote JSON, whose brace begins no structure in msgpack.
    pub(crate) fn take_structure<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<T, RecordError> {
        let value = self.take(name).ok_or(RecordError::Missing(name))?;
        let decoded: Result<T, BackendError> = if value.starts_with(b"{") {
            serde_json::from_slice(&value).map_err(Into::into)
        } else {
            rmp_serde::from_slice(&value).map_err(Into::into)
        };
        decoded.map_err(|error| RecordError::Malformed(name, error))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.0.len())
    }
}
