//! Encodes and decodes the stored form of executions, events, input, tickets and offers.
//!
//! An execution is a record of named fields, each a string of bytes. Texts and output are fields of their own, byte for
//! byte, so that nothing is escaped and an operator can read them. Small structured parts are msgpack without the names of
//! their fields, which is a fifth of the size of JSON. The form has a [`VERSION`]: a process that reads a newer one leaves it
//! alone. This crate does not know where records are stored, or when they expire.
//!
//! Fields that were added later may be missing, and then mean what was true before. Times are whole microseconds.
//!
//! # Examples
//!
//! ```
//! use coderun_domain::{Event, OutputChunk, OutputStream, Sequence};
//! use coderun_record::{decode_event, encode_event};
//!
//! let chunk = OutputChunk {
//!     stream: OutputStream::Stdout,
//!     bytes: "hello\n".into(),
//!     attempt: coderun_domain::Attempt::from_count(1),
//! };
//! let stored = encode_event(&Event::Output(chunk.clone()));
//! assert_eq!(stored, b"o1 hello\n");
//!
//! let first = Sequence::from_number(1);
//! let event = decode_event(stored, first, None)?;
//! assert_eq!(event, Event::Output(chunk));
//! # Ok::<(), coderun_record::RecordError>(())
//! ```

mod admission;
mod error;
mod event;
mod execution;
mod fields;
mod input;
mod limits;
mod micros;
mod offer;
mod outcome;
mod packed;
mod progress;
mod report;
mod submission;
mod words;

pub use admission::{decode_admission, encode_admission};
pub use error::RecordError;
pub use event::{decode_event, encode_event};
pub use execution::decode_execution;
pub use fields::{Field, Fields};
pub use input::{decode_input, encode_input};
pub use micros::{duration_micros, from_micros, micros};
pub use offer::{StoredOffer, encode_offer};
pub use outcome::{decode_outcome, encode_outcome};
pub use packed::{pack_fields, unpack_fields};
pub use progress::{VERSION, decode_progress, encode_progress};
pub use submission::{decode_submission, encode_submission};
pub use words::Words;

#[cfg(test)]
mod tests;
