//! Signs tokens and assertions with an RSA key.

use std::fmt;

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode};
use serde::Serialize;

use crate::verifier::install_crypto_provider;

/// A private RSA key that signs with RS256 under its name. `Debug` does not show the key.
pub(crate) struct SigningKey {
    header: Header,
    key: EncodingKey,
}

impl SigningKey {
    /// Reads a key from PEM, and tries it.
    ///
    /// # Errors
    /// If the text holds no private RSA key that can sign.
    pub(crate) fn from_pem(kid: &str, pem: &str) -> Result<Self, Error> {
        install_crypto_provider();
        let key = EncodingKey::from_rsa_pem(pem.as_bytes())?;
        crypto::sign(b"", &key, Algorithm::RS256)?;
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(kid.to_owned());
        Ok(Self { header, key })
    }

    /// A signed token with these claims.
    ///
    /// # Errors
    /// If the claims cannot be written, or the cryptography fails.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, Error> {
        encode(&self.header, claims, &self.key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}
