//! Distinguishes values of a newer version of the service from damaged ones: every value begins with its version.

use coderun_record::RecordError;
use serde::de::DeserializeOwned;

/// The version of the stored form.
pub(crate) const VERSION: &str = "3";

/// Checks that a msgpack value is this version. Nothing is known of the values behind another one.
pub(crate) fn check_version(name: &'static str, value: &[u8]) -> Result<(), RecordError> {
    let version: Result<String, _> = rmp_serde::from_read(value);
    let version = version.map_err(|error| RecordError::Malformed(name, error.into()))?;
    if version == VERSION {
        Ok(())
    } else {
        Err(RecordError::Newer)
    }
}

/// Decodes a msgpack array that begins with its version, and leaves what follows it.
pub(crate) fn decode_versioned<T: DeserializeOwned>(
    name: &'static str,
    bytes: &mut &[u8],
) -> Result<T, RecordError> {
    let mut values = *bytes;
    rmp::decode::read_array_len(&mut values)
        .map_err(|error| RecordError::Malformed(name, error.into()))?;
    check_version(name, values)?;
    rmp_serde::from_read(bytes).map_err(|error| RecordError::Malformed(name, error.into()))
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
