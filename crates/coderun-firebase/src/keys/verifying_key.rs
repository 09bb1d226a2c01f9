//! A public key as the verifier wants it.

use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::{RsaPublicKey, significant};

/// A usable key, taken apart once.
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
        let modulus = significant(&public.modulus);
        let decoding = DecodingKey::from_rsa_raw_components(modulus, significant(&public.exponent));
        Some(Self { public, decoding })
    }

    /// Whether this is the key's RS256 signature (base64url) of the message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &str) -> bool {
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
