//! Packs fields, or one byte string, into a value.

use coderun_record::{Field, Fields, RecordError};

/// The version of the form.
const FORM: u8 = 1;

/// Packs fields one after the other.
pub(crate) fn pack(fields: &[Field<'_>]) -> Result<Vec<u8>, RecordError> {
    let mut packed = vec![FORM];
    for (name, value) in fields {
        for part in [name.as_bytes(), value.as_ref()] {
            let length = u32::try_from(part.len());
            let length = length.map_err(|error| RecordError::Unwritable(error.into()))?;
            packed.extend_from_slice(&length.to_le_bytes());
            packed.extend_from_slice(part);
        }
    }
    Ok(packed)
}

/// Unpacks the fields of a record from both of its values.
pub(crate) fn unpack(packed: [&[u8]; 2]) -> Result<Fields, RecordError> {
    let mut fields = Vec::new();
    for packed in packed {
        let mut rest = content(packed)?;
        while !rest.is_empty() {
            let (name, behind) = part(rest)?;
            let (value, behind) = part(behind)?;
            fields.push((name.to_vec(), value.to_vec()));
            rest = behind;
        }
    }
    Ok(Fields::from_pairs(fields))
}

/// Packs one byte string.
pub(crate) fn pack_one(content: &[u8]) -> Vec<u8> {
    [&[FORM], content].concat()
}

/// Unpacks one byte string.
pub(crate) fn unpack_one(packed: &[u8]) -> Result<Vec<u8>, RecordError> {
    content(packed).map(<[u8]>::to_vec)
}

/// The bytes behind the version.
fn content(packed: &[u8]) -> Result<&[u8], RecordError> {
    match packed.split_first() {
        Some((&FORM, content)) => Ok(content),
        Some(_) => Err(RecordError::Newer),
        None => Err(RecordError::Missing("version")),
    }
}

/// One length-prefixed byte string, and the bytes behind it.
fn part(rest: &[u8]) -> Result<(&[u8], &[u8]), RecordError> {
    let cut_off = RecordError::Missing("length");
    let Some((length, rest)) = rest.split_first_chunk::<4>() else {
        return Err(cut_off);
    };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    rest.split_at_checked(length).ok_or(cut_off)
}
