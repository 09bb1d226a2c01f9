//! Takes output as Piston does: whole pieces or nothing of them, each made text by itself.

use coderun_domain::OutputStream;

/// The texts of a stage.
#[derive(Debug)]
pub(super) struct Capture {
    max: usize,
    stdout: Text,
    stderr: Text,
    output: String,
    exceeded: Option<OutputStream>,
}

/// Text with its length as JavaScript counts it.
#[derive(Debug, Default)]
struct Text {
    text: String,
    utf16_length: usize,
}

/// What was taken of a stage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Captured {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) output: String,
    /// The stream of which a piece was not taken; the later one if both had such.
    pub(super) exceeded: Option<OutputStream>,
}

impl Capture {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            stdout: Text::default(),
            stderr: Text::default(),
            output: String::new(),
            exceeded: None,
        }
    }

    /// Takes a piece if it fits; else it is dropped, and the program is to be killed.
    pub(super) fn take(&mut self, stream: OutputStream, piece: &[u8]) {
        let text = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        // Text that is there counts in UTF-16 units, the new piece in bytes.
        if text.utf16_length.saturating_add(piece.len()) > self.max {
            self.exceeded = Some(stream);
            return;
        }
        // A character that is split between two pieces is lost in both.
        let piece = String::from_utf8_lossy(piece);
        text.text.push_str(&piece);
        text.utf16_length += piece.encode_utf16().count();
        self.output.push_str(&piece);
    }

    pub(super) const fn is_exceeded(&self) -> bool {
        self.exceeded.is_some()
    }

    pub(super) fn finish(self) -> Captured {
        Captured {
            stdout: self.stdout.text,
            stderr: self.stderr.text,
            output: self.output,
            exceeded: self.exceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use OutputStream::{Stderr, Stdout};

    #[test]
    fn streams_are_kept_apart_and_together() {
        let mut capture = Capture::new(4);
        for (stream, piece) in [(Stdout, "ab"), (Stderr, "xyzw"), (Stdout, "cd")] {
            capture.take(stream, piece.as_bytes());
        }
        let expected = Captured {
            stdout: "abcd".to_owned(),
            stderr: "xyzw".to_owned(),
            output: "abxyzwcd".to_owned(),
            exceeded: None,
        };
        assert_eq!(capture.finish(), expected);
    }

    #[test]
    fn a_piece_that_does_not_fit_is_dropped_whole_and_a_later_one_may_fit() {
        let mut capture = Capture::new(4);
        capture.take(Stdout, b"ab");
        capture.take(Stdout, b"cde");
        assert!(capture.is_exceeded());
        capture.take(Stdout, b"f");
        let captured = capture.finish();
        assert_eq!(
            (captured.stdout.as_str(), captured.exceeded),
            ("abf", Some(Stdout))
        );
    }

    #[test]
    fn what_is_there_counts_in_units_and_what_comes_in_bytes() {
        let mut capture = Capture::new(4);
        // Two units, though four bytes.
        capture.take(Stdout, "🦀".as_bytes());
        capture.take(Stdout, "é".as_bytes());
        assert!(!capture.is_exceeded());
        // Now there are three units, and one byte fits, but not the two of this character.
        capture.take(Stdout, "é".as_bytes());
        assert!(capture.is_exceeded());
        assert_eq!(capture.finish().stdout, "🦀é");
    }

    #[test]
    fn a_character_between_two_pieces_is_lost() {
        let mut capture = Capture::new(9);
        capture.take(Stdout, &[b'a', 0xc3]);
        capture.take(Stdout, &[0xa9, b'b']);
        assert_eq!(capture.finish().stdout, "a\u{fffd}\u{fffd}b");
    }
}
