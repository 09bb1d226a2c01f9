//! Encodes and decodes the values of the tables.
//!
//! Each value begins with a byte for the version of this form. Records are fields as `coderun_record` writes them, each a
//! length and a name, a length and a value. Events and input are single byte strings.

mod fields;
mod record;

pub(crate) use fields::{pack_one, unpack_one};
pub(crate) use record::{pack_progress, pack_submission, unpack_record};

#[cfg(test)]
mod tests;
