//! Reads the words of a text field.

use std::error::Error;
use std::str::{FromStr, SplitN};

use time::OffsetDateTime;

use crate::{RecordError, from_micros};

/// The words of one text field, to be read in order. The last word may contain spaces.
#[derive(Debug)]
pub struct Words<'a> {
    field: &'static str,
    words: SplitN<'a, char>,
}

impl<'a> Words<'a> {
    /// The words of a field, at most so many.
    #[must_use]
    pub fn new(field: &'static str, text: &'a str, count: usize) -> Self {
        Self::separated_by(' ', field, text, count)
    }

    /// The parts of a field between these characters, at most so many.
    #[must_use]
    pub fn separated_by(separator: char, field: &'static str, text: &'a str, count: usize) -> Self {
        let words = text.splitn(count, separator);
        Self { field, words }
    }

    /// The words that were not read.
    pub fn rest(self) -> impl Iterator<Item = &'a str> {
        self.words
    }

    /// Reads a word.
    ///
    /// # Errors
    /// [`RecordError::Missing`] if there are no more.
    pub fn word(&mut self) -> Result<&'a str, RecordError> {
        self.words.next().ok_or(RecordError::Missing(self.field))
    }

    /// Reads a number.
    ///
    /// # Errors
    /// [`RecordError::Missing`] if there are no more words, [`RecordError::Malformed`] if the word is no number.
    pub fn number<T>(&mut self) -> Result<T, RecordError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        let number = self.word()?.parse();
        number.map_err(|error| RecordError::Malformed(self.field, Box::new(error)))
    }

    /// Reads a time.
    ///
    /// # Errors
    /// [`RecordError::Missing`] if there are no more words, [`RecordError::Malformed`] if the word is no time.
    pub fn time(&mut self) -> Result<OffsetDateTime, RecordError> {
        from_micros(self.field, self.number()?)
    }
}
