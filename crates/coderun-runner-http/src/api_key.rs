//! Wraps the secret that authenticates the service to an API.

use hyper::header::HeaderValue;

/// The secret that an API requires: the whole value of a header. Neither `Debug` nor any error shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
    /// Checks and wraps a key.
    ///
    /// # Errors
    /// [`ApiKeyError`] when it is empty or not valid in a header.
    pub fn parse(key: &str) -> Result<Self, ApiKeyError> {
        let mut value = HeaderValue::from_str(key).map_err(|_| ApiKeyError)?;
        if value.is_empty() {
            return Err(ApiKeyError);
        }
        // `Debug` hides sensitive values.
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) const fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

/// The text cannot be an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an API key must not be empty and must contain only characters that are valid in an HTTP header"
)]
pub struct ApiKeyError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_header_value_that_is_not_empty() {
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
