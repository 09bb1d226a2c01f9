//! Holds the public keys that verify tokens, by name.

mod http;
mod jwks;
mod source;
mod verifying_key;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa::PublicKey;

use crate::config::KeyId;

pub use http::{HttpKeySource, HttpKeysConfig, KeysUrlError};
pub use source::{KeySource, StaticKeys};
pub(crate) use verifying_key::VerifyingKey;

/// The keys that are current at one time, by name; never empty and never changed.
///
/// Each key is parsed once, when the set is made.
pub struct KeySet {
    keys: HashMap<KeyId, Arc<VerifyingKey>>,
}

impl KeySet {
    /// A set of these keys.
    ///
    /// # Errors
    /// [`KeySetError::DuplicateKeyId`]; [`KeySetError::UnusableKey`] if a modulus has less than
    /// [`RsaPublicKey::MIN_BITS`] or more than [`RsaPublicKey::MAX_BITS`] bits, or an exponent is not an odd number
    /// from 3 to 2³³ - 1; [`KeySetError::Empty`].
    pub fn from_public_keys(
        keys: impl IntoIterator<Item = (KeyId, RsaPublicKey)>,
    ) -> Result<Self, KeySetError> {
        let mut set = HashMap::new();
        for (kid, key) in keys {
            let Some(parsed) = VerifyingKey::new(key) else {
                return Err(KeySetError::UnusableKey);
            };
            if set.insert(kid, Arc::new(parsed)).is_some() {
                return Err(KeySetError::DuplicateKeyId);
            }
        }
        if set.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self { keys: set })
    }

    /// The usable keys of a JSON Web Key Set (RFC 7517).
    ///
    /// Keys without a usable name, for other uses or algorithms, and of other kinds or sizes are left out, and so is what is no
    /// key at all.
    ///
    /// # Errors
    /// [`KeySetError::NotAKeySet`]; [`KeySetError::Certificates`]; [`KeySetError::DuplicateKeyId`] if two usable keys have one
    /// name; [`KeySetError::Empty`] if no key is left.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        Self::from_public_keys(jwks::usable_keys(json)?)
    }

    /// How many keys there are.
    pub(crate) fn count(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn get(&self, kid: &KeyId) -> Option<&Arc<VerifyingKey>> {
        self.keys.get(kid)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// The two numbers of an RSA public key, unchecked, each as bytes with the highest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaPublicKey {
    /// The modulus (`n`).
    pub modulus: Vec<u8>,
    /// The exponent (`e`).
    pub exponent: Vec<u8>,
}

impl RsaPublicKey {
    /// The smallest usable modulus, in bits.
    pub const MIN_BITS: usize = 2048;
    /// The greatest usable modulus, in bits.
    pub const MAX_BITS: usize = 8192;
    const EXPONENT_MAX_BITS: usize = 33;

    /// The numbers of a key of ours.
    pub(crate) fn of(key: &PublicKey) -> Self {
        Self {
            modulus: key.modulus().big_endian_without_leading_zero().to_vec(),
            exponent: key.exponent().big_endian_without_leading_zero().to_vec(),
        }
    }

    /// Whether signatures may be verified with it.
    pub(crate) fn is_usable(&self) -> bool {
        let (modulus, exponent) = (
            without_leading_zeros(&self.modulus),
            without_leading_zeros(&self.exponent),
        );
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        (Self::MIN_BITS..=Self::MAX_BITS).contains(&bits(modulus))
            && (2..=Self::EXPONENT_MAX_BITS).contains(&bits(exponent))
            && is_odd(modulus)
            && is_odd(exponent)
    }
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// How many bits a number without leading zero bytes has.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(unused as usize)
}

/// Says why keys do not make a set, without quoting them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// The text is no JSON Web Key Set.
    #[error("this is no JSON Web Key Set")]
    NotAKeySet,
    /// The text is in the other form in which Google publishes these keys.
    #[error(
        "this is a map of X.509 certificates, not a JSON Web Key Set; use `{}`",
        HttpKeysConfig::FIREBASE_URL
    )]
    Certificates,
    /// Two keys have the same name.
    #[error("two keys have the same name")]
    DuplicateKeyId,
    /// A key cannot be used.
    #[error("a key is not an RSA key of 2048 to 8192 bits")]
    UnusableKey,
    /// There is no usable key.
    #[error("no key can be used")]
    Empty,
}

#[cfg(test)]
mod tests;
