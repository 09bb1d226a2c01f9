//! Keeps the output of a program within a bound, as bytes.

use std::fmt;

use bytes::Bytes;

use crate::ByteSize;
use crate::named_enum::named_enum;

named_enum! {
    /// One of the two output streams of a program.
    pub enum OutputStream {
        /// Standard output.
        Stdout => "stdout",
        /// Standard error.
        Stderr => "stderr",
    }
}

/// The head of what a program wrote to one stream, and whether there was more.
///
/// Bytes, because programs write bytes; text is made where a client needs it. `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Output {
    bytes: Bytes,
    truncated: bool,
}

impl Output {
    /// Output that is complete.
    #[must_use]
    pub fn complete(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            truncated: false,
        }
    }

    /// The head of output of which the rest was not kept.
    #[must_use]
    pub fn truncated(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            truncated: true,
        }
    }

    /// The bytes that were kept.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether the program wrote more than was kept.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether nothing was kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("length_bytes", &self.bytes.len())
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// Collects the head of one stream up to a cap and drops the rest.
#[derive(Clone)]
pub struct OutputBuffer {
    head: Vec<u8>,
    cap_bytes: usize,
    truncated: bool,
}

impl OutputBuffer {
    /// An empty buffer that keeps at most `cap`.
    #[must_use]
    pub fn new(cap: ByteSize) -> Self {
        Self {
            head: Vec::new(),
            cap_bytes: usize::try_from(cap.as_bytes()).unwrap_or(usize::MAX),
            truncated: false,
        }
    }

    /// Adds the bytes that fit and returns their number.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let room = self.cap_bytes.saturating_sub(self.head.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.head.extend_from_slice(kept);
        self.truncated |= kept.len() < bytes.len();
        kept.len()
    }

    /// Marks the output as truncated although the rest was never pushed.
    pub const fn mark_truncated(&mut self) {
        self.truncated = true;
    }

    /// Whether some output was dropped, or never pushed.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The head that was kept.
    #[must_use]
    pub fn finish(self) -> Output {
        Output {
            bytes: Bytes::from(self.head),
            truncated: self.truncated,
        }
    }
}

impl fmt::Debug for OutputBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputBuffer")
            .field("length_bytes", &self.head.len())
            .field("cap_bytes", &self.cap_bytes)
            .field("truncated", &self.truncated)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_buffer_is_not_yet_truncated() {
        let mut buffer = OutputBuffer::new(ByteSize::from_bytes(4));
        assert_eq!(buffer.push(b"abcd"), 4);
        assert!(!buffer.is_truncated());
        assert_eq!(buffer.push(b""), 0);
        assert_eq!(buffer.finish(), Output::complete("abcd"));
    }

    #[test]
    fn one_byte_over_keeps_the_head_and_says_so() {
        let mut buffer = OutputBuffer::new(ByteSize::from_bytes(4));
        assert_eq!(buffer.push(b"abc"), 3);
        assert_eq!(buffer.push(b"de"), 1);
        assert_eq!(buffer.push(b"f"), 0);
        assert_eq!(buffer.finish(), Output::truncated("abcd"));
    }

    #[test]
    fn output_that_was_never_pushed_counts_as_truncated() {
        let mut buffer = OutputBuffer::new(ByteSize::from_bytes(4));
        buffer.push(b"ab");
        buffer.mark_truncated();
        assert_eq!(buffer.finish(), Output::truncated("ab"));
    }

    #[test]
    fn debug_shows_lengths_only() {
        let shown = format!("{:?}", Output::complete("secret"));
        assert_eq!(shown, "Output { length_bytes: 6, truncated: false }");
        let mut buffer = OutputBuffer::new(ByteSize::from_bytes(9));
        buffer.push(b"secret");
        assert!(!format!("{buffer:?}").contains("secret"));
    }
}
