//! What the settings of all runners share.

use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};

/// The secret that an API knows us by: the whole value of a header. Neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
    /// Checks and wraps a key.
    ///
    /// # Errors
    /// [`ApiKeyError`] when it is empty or cannot stand in a header.
    pub fn parse(key: &str) -> Result<Self, ApiKeyError> {
        let mut value = HeaderValue::from_str(key).map_err(|_| ApiKeyError)?;
        if value.is_empty() {
            return Err(ApiKeyError);
        }
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) const fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// The text cannot be an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key has at least one character, and only those that can stand in a header")]
pub struct ApiKeyError;

/// A setting with which a runner cannot start. None of them shows what was set: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The address of the API cannot be one.
    #[error(
        "the address of the API must be an http or https URL with a host and without query or fragment"
    )]
    BaseUrl,
    /// The name of the header cannot be one.
    #[error("the name of the header for the API key has only letters, digits and `-`")]
    ApiKeyHeader,
    /// So many runs at a time are not possible.
    #[error("from 1 to {max} runs at a time are possible, not {actual}")]
    Concurrency {
        /// What was set.
        actual: usize,
        /// The greatest number.
        max: usize,
    },
    /// A setting that must not be zero is zero.
    #[error("`{name}` must be greater than zero")]
    Zero {
        /// Which setting.
        name: &'static str,
    },
    /// This machine offers no client, such as one without certificate authorities.
    #[error("no HTTP client can be made on this machine: are there certificate authorities?")]
    Client,
}

/// Reads the name of a header.
pub(crate) fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    name.parse().map_err(|_| ConfigError::ApiKeyHeader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_can_stand_in_a_header() {
        assert!(ApiKey::parse("Bearer abc").is_ok());
        for bad in ["", "a\nb", "a\0"] {
            assert_eq!(ApiKey::parse(bad), Err(ApiKeyError));
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = ApiKey::parse("s3cret").unwrap();
        assert!(!format!("{key:?} {:?}", key.header_value()).contains("s3cret"));
    }
}
