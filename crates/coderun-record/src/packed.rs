//! Packs fields into one string of bytes: the length of a name, the name, the length of its value, the value, and so on.
//!
//! Lengths are 32 bits, little-endian. Packed fields can be put together by appending.

use crate::{Field, Fields, RecordError};

/// Appends fields to packed ones.
///
/// # Errors
/// [`RecordError::Unwritable`] for a field of 4 GiB or more.
pub fn pack_fields(packed: &mut Vec<u8>, fields: &[Field<'_>]) -> Result<(), RecordError> {
    for (name, value) in fields {
        for part in [name.as_bytes(), value.as_ref()] {
            let length = u32::try_from(part.len());
            let length = length.map_err(|error| RecordError::Unwritable(error.into()))?;
            packed.extend_from_slice(&length.to_le_bytes());
            packed.extend_from_slice(part);
        }
    }
    Ok(())
}

/// Unpacks fields; of two with the same name, the last counts.
///
/// # Errors
/// [`RecordError::Missing`] if they are cut off.
pub fn unpack_fields(mut packed: &[u8]) -> Result<Fields, RecordError> {
    let mut pairs = Vec::new();
    while !packed.is_empty() {
        let (name, rest) = part(packed)?;
        let (value, rest) = part(rest)?;
        pairs.push((name.to_vec(), value.to_vec()));
        packed = rest;
    }
    Ok(Fields::from_pairs(pairs))
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
