//! Holds the settings for fetching keys.

use std::time::Duration;

use coderun_domain::ByteSize;

use crate::config::{Endpoint, EndpointError, StaleKeyBound};

/// Settings for fetching keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpKeysConfig {
    /// The address of the JSON Web Key Set.
    pub url: Endpoint,
    /// How long making a connection may take. Default: 2 s.
    pub connect_timeout: Duration,
    /// How long a fetch may take altogether. Default: 5 s.
    pub fetch_timeout: Duration,
    /// The longest answer that is read. Default: 256 KiB.
    pub answer_max: ByteSize,
    /// How long a caller waits for a fetch if there are no usable keys, or not the one it needs. Default: 3 s.
    pub wait_max: Duration,
    /// How long keys stay in use when no newer ones can be fetched. Default: 24 h.
    pub stale_bound: StaleKeyBound,
}

impl HttpKeysConfig {
    /// Where Google publishes the keys of Firebase ID tokens, as a JSON Web Key Set.
    pub const FIREBASE_URL: &str =
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";

    /// Checks the address of a key set.
    ///
    /// # Errors
    /// [`KeysUrlError::Endpoint`]; [`KeysUrlError::Certificates`] where Google publishes the keys as certificates.
    pub fn parse_url(text: &str) -> Result<Endpoint, KeysUrlError> {
        let url: Endpoint = text.parse()?;
        if url.url().path().contains("/metadata/x509/") {
            return Err(KeysUrlError::Certificates);
        }
        Ok(url)
    }

    /// The defaults, for keys that are published here.
    #[must_use]
    pub fn new(url: Endpoint) -> Self {
        Self {
            url,
            connect_timeout: Duration::from_secs(2),
            fetch_timeout: Duration::from_secs(5),
            answer_max: ByteSize::from_kib(256),
            wait_max: Duration::from_secs(3),
            stale_bound: StaleKeyBound::default(),
        }
    }
}

/// Says why no key set can be fetched from an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysUrlError {
    /// It is no address of a service.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Certificates are published there.
    #[error(
        "X.509 certificates are published there, but a JSON Web Key Set is expected; use `{}`",
        HttpKeysConfig::FIREBASE_URL
    )]
    Certificates,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_certificates_is_refused_with_the_address_to_use() {
        let certificates = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com";
        let error = HttpKeysConfig::parse_url(certificates).unwrap_err();
        assert_eq!(error, KeysUrlError::Certificates);
        assert!(error.to_string().contains(HttpKeysConfig::FIREBASE_URL));
        assert!(HttpKeysConfig::parse_url(HttpKeysConfig::FIREBASE_URL).is_ok());
        let error = HttpKeysConfig::parse_url("http://example.com/keys").unwrap_err();
        assert_eq!(error, KeysUrlError::Endpoint(EndpointError::Unprotected));
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let config = HttpKeysConfig::new(HttpKeysConfig::FIREBASE_URL.parse().unwrap());
        assert_eq!(config.connect_timeout, Duration::from_secs(2));
        assert_eq!(config.fetch_timeout, Duration::from_secs(5));
        assert_eq!(config.answer_max.as_bytes(), 256 * 1024);
        assert_eq!(config.wait_max, Duration::from_secs(3));
        let bound = config.stale_bound.as_duration();
        assert_eq!(bound, Duration::from_hours(24));
    }
}
