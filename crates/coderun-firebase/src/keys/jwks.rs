//! Reads the usable keys of a JSON Web Key Set.

use std::collections::HashMap;

use coderun_json::{Object, non_null};
use serde::Deserialize;
use serde_json::Value;

use super::{KeySetError, RsaPublicKey};
use crate::config::KeyId;
use crate::parse::decode;

/// The keys of a set that can verify tokens. A set may hold keys of other kinds, and entries that are broken, without harm to
/// the others (RFC 7517, section 5).
pub(super) fn usable_keys(json: &[u8]) -> Result<Vec<(KeyId, RsaPublicKey)>, KeySetError> {
    let set: Object<Set> = serde_json::from_slice(json).map_err(|_| not_a_set(json))?;
    let entries = set.0.keys.into_iter();
    Ok(entries.filter_map(usable_key).collect())
}

fn usable_key(entry: Value) -> Option<(KeyId, RsaPublicKey)> {
    let Object::<Entry>(entry) = serde_json::from_value(entry).ok()?;
    let kid = KeyId::parse(entry.kid.as_ref()?).ok()?;
    Some((kid, entry.public_key()?))
}

/// Recognizes a map of certificates, because its error names the address to use instead.
fn not_a_set(json: &[u8]) -> KeySetError {
    let certificates = serde_json::from_slice::<HashMap<String, String>>(json).unwrap_or_default();
    let is_certificate = |text: &String| text.starts_with("-----BEGIN CERTIFICATE-----");
    if certificates.values().any(is_certificate) {
        return KeySetError::Certificates;
    }
    KeySetError::NotAKeySet
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    kty: String,
    #[serde(default, deserialize_with = "non_null")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "non_null")]
    alg: Option<String>,
    #[serde(default, rename = "use", deserialize_with = "non_null")]
    usage: Option<String>,
    #[serde(default, deserialize_with = "non_null")]
    n: Option<String>,
    #[serde(default, deserialize_with = "non_null")]
    e: Option<String>,
}

impl Entry {
    fn public_key(&self) -> Option<RsaPublicKey> {
        let is_for_signatures = self.kty == "RSA"
            && self.alg.as_deref().is_none_or(|alg| alg == "RS256")
            && self.usage.as_deref().is_none_or(|usage| usage == "sig");
        if !is_for_signatures {
            return None;
        }
        let key = RsaPublicKey {
            modulus: decode(self.n.as_deref()?).ok()?,
            exponent: decode(self.e.as_deref()?).ok()?,
        };
        key.is_usable().then_some(key)
    }
}
