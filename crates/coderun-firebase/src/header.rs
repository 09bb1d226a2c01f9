//! Checks the header of a token.

use coderun_domain::VerifyError;
use coderun_json::{non_null, read_object};
use serde::Deserialize;
use serde_json::Value;

use crate::config::KeyId;

/// Checks the header of a signed token and finds the name of the key that signed it.
///
/// Keys that a header brings along (`jwk`, `jku`, `x5u`, `x5c`) are not even read.
pub(crate) fn read_header(bytes: &[u8]) -> Result<KeyId, VerifyError> {
    let header: Header = read_object(bytes).map_err(|_| VerifyError::Malformed)?;
    header.check("RS256")?;
    let kid = header.kid.as_str().ok_or(VerifyError::NoKeyId)?;
    KeyId::parse(kid).map_err(|_| VerifyError::NoKeyId)
}

/// Checks the header of an unsigned token; only an emulator issues such.
///
/// It returns nothing to verify a signature with, so it cannot take the place of [`read_header`].
pub(crate) fn read_unsigned_header(bytes: &[u8]) -> Result<(), VerifyError> {
    let header: Header = read_object(bytes).map_err(|_| VerifyError::Malformed)?;
    header.check("none")
}

/// The fields have any type here, so that a wrong type is refused for the reason of its rule.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    alg: Value,
    kid: Value,
    #[serde(deserialize_with = "non_null")]
    typ: Option<Value>,
    #[serde(deserialize_with = "non_null")]
    crit: Option<Value>,
    #[serde(deserialize_with = "non_null")]
    b64: Option<Value>,
}

impl Header {
    /// Checks what holds for signed and unsigned tokens alike, but for the algorithm.
    fn check(&self, algorithm: &str) -> Result<(), VerifyError> {
        if self.alg != algorithm {
            return Err(VerifyError::Algorithm);
        }
        if self.typ.as_ref().is_some_and(|typ| typ != "JWT") {
            return Err(VerifyError::Malformed);
        }
        // Both change what the signature means; RFC 7515 wants a token refused whose `crit` is not understood.
        if self.crit.is_some() || self.b64.is_some() {
            return Err(VerifyError::Malformed);
        }
        Ok(())
    }
}
