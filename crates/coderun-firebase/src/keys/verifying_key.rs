//! Verifies signatures with one public key.

use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::{RsaPublicKey, without_leading_zeros};

/// A usable key, parsed once.
///
/// Two are equal if they accept the same signatures, wherever they come from.
pub(crate) struct VerifyingKey {
    public: RsaPublicKey,
    decoding: DecodingKey,
}

impl VerifyingKey {
    /// The key of these numbers, if it is usable.
    pub(super) fn new(public: RsaPublicKey) -> Option<Self> {
        if !public.is_usable() {
            return None;
        }
        let modulus = without_leading_zeros(&public.modulus);
        let decoding =
            DecodingKey::from_rsa_raw_components(modulus, without_leading_zeros(&public.exponent));
        Some(Self { public, decoding })
    }

    /// Whether this is the key's RS256 signature (base64url) of the message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        // The algorithm is ours, never the token's.
        crypto::verify(signature, message, &self.decoding, Algorithm::RS256).unwrap_or(false)
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for VerifyingKey {}
