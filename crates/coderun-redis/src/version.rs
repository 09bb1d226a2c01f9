//! Distinguishes values of a newer version of the service from damaged ones: every value begins with its version.

use std::fmt;

use coderun_record::RecordError;
use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The version of the stored form.
pub(crate) const VERSION: &str = "3";

/// Decodes a msgpack array that begins with its version, and leaves what follows it.
pub(crate) fn decode_versioned<T: DeserializeOwned>(
    name: &'static str,
    bytes: &mut &[u8],
) -> Result<T, RecordError> {
    let malformed = |error: rmp_serde::decode::Error| RecordError::Malformed(name, error.into());
    let Version(version) = rmp_serde::from_read(*bytes).map_err(malformed)?;
    if version != VERSION {
        return Err(RecordError::Newer);
    }
    rmp_serde::from_read(bytes).map_err(malformed)
}

/// The first element of an array whose other elements may be anything.
struct Version(String);

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FirstElement)
    }
}

struct FirstElement;

impl<'de> Visitor<'de> for FirstElement {
    type Value = Version;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array that begins with its version")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Version, A::Error> {
        let version = values.next_element()?.unwrap_or_default();
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Version(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(value: &impl serde::Serialize) -> Result<(String, u8), RecordError> {
        let bytes = rmp_serde::to_vec(value).unwrap();
        decode_versioned("value", &mut bytes.as_slice())
    }

    #[test]
    fn a_value_of_a_newer_version_is_distinguished_from_a_damaged_one() {
        assert_eq!(decode(&(VERSION, 7)).unwrap(), (VERSION.to_owned(), 7));
        let newer = decode(&("4", "whatever comes", [1, 2]));
        assert!(matches!(newer, Err(RecordError::Newer)), "{newer:?}");
        let damaged = decode(&(VERSION, "not a number"));
        assert!(
            matches!(damaged, Err(RecordError::Malformed("value", _))),
            "{damaged:?}"
        );
    }
}
