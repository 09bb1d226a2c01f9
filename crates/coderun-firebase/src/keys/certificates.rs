//! Reads an object of certificates.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::rsa::PublicKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use webpki::EndEntityCert;

use super::{KeyId, KeySetError, RsaPublicKey};

/// The keys of an object of certificates that can verify tokens.
pub(super) fn usable_keys(json: &[u8]) -> Result<Vec<(KeyId, RsaPublicKey)>, KeySetError> {
    let Certificates(certificates) =
        serde_json::from_slice(json).map_err(KeySetError::NotAKeySet)?;
    let mut texts = HashMap::new();
    for (name, text) in certificates {
        let Ok(kid) = KeyId::parse(name) else {
            continue;
        };
        if texts.insert(kid.clone(), text).is_some() {
            return Err(KeySetError::DuplicateKeyId { kid });
        }
    }
    let keys = texts
        .into_iter()
        .filter_map(|(kid, text)| Some((kid, public_key(&text)?)));
    Ok(keys.collect())
}

/// All entries as they stand there; a map would keep the last of two with the same name.
struct Certificates(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Certificates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Certificates;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of certificates")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Certificates(entries))
    }
}

fn public_key(pem: &str) -> Option<RsaPublicKey> {
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let der = certificates.next()?.ok()?;
    if certificates.next().is_some() {
        return None;
    }
    let certificate = EndEntityCert::try_from(&der).ok()?;
    let key = PublicKey::from_der(&certificate.subject_public_key_info()).ok()?;
    let key = RsaPublicKey {
        modulus: key.modulus().big_endian_without_leading_zero().to_vec(),
        exponent: key.exponent().big_endian_without_leading_zero().to_vec(),
    };
    key.is_usable().then_some(key)
}

#[cfg(test)]
mod tests;
