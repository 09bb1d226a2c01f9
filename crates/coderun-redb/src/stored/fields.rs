//! Packs fields, or one byte string, into a value.

use coderun_record::{Field, Fields, RecordError, pack_fields, unpack_fields};

/// The version of the form.
const FORM: u8 = 1;

/// Packs fields one after the other.
pub(crate) fn pack(fields: &[Field<'_>]) -> Result<Vec<u8>, RecordError> {
    let mut packed = vec![FORM];
    pack_fields(&mut packed, fields)?;
    Ok(packed)
}

/// Unpacks the fields of a record from both of its values.
pub(crate) fn unpack([submission, progress]: [&[u8]; 2]) -> Result<Fields, RecordError> {
    unpack_fields(&[content(submission)?, content(progress)?].concat())
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
