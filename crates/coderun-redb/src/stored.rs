//! The stored form: what stands in the values of the tables.
//!
//! Each value begins with a byte for the version of this form. Records are fields as `coderun_record` writes them, each a
//! length and a name, a length and a value; events and input are single strings of bytes.

mod fields;
mod kept;

pub(crate) use fields::{pack_one, unpack_one};
pub(crate) use kept::{decode_kept, encode_progress_of, encode_submission_of};

/// The version of the form that is written here.
pub(crate) const FORM: u8 = 1;

#[cfg(test)]
mod tests;
