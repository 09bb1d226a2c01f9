//! Keeps output as Piston does: whole pieces or nothing of them, each decoded by itself.

use coderun_domain::OutputStream;

/// The output of a stage.
#[derive(Debug)]
pub(crate) struct Capture {
    max_bytes: usize,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Both streams.
    pub(crate) output: String,
    /// The stream with a piece that did not fit.
    pub(crate) exceeded: Option<OutputStream>,
}

impl Capture {
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            stdout: String::new(),
            stderr: String::new(),
            output: String::new(),
            exceeded: None,
        }
    }

    /// Keeps a piece if it fits. Otherwise drops it; the program is then to be killed.
    pub(crate) fn take(&mut self, stream: OutputStream, piece: &[u8]) {
        let text = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        if text.len().saturating_add(piece.len()) > self.max_bytes {
            self.exceeded = Some(stream);
            return;
        }
        let piece = String::from_utf8_lossy(piece);
        text.push_str(&piece);
        self.output.push_str(&piece);
    }
}

#[cfg(test)]
mod tests {
    use OutputStream::{Stderr, Stdout};

    use super::*;

    #[test]
    fn a_piece_that_does_not_fit_is_dropped_and_a_later_one_may_fit() {
        let mut capture = Capture::new(4);
        for (stream, piece) in [
            (Stdout, "ab"),
            (Stderr, "wxyz"),
            (Stdout, "cde"),
            (Stdout, "f"),
        ] {
            capture.take(stream, piece.as_bytes());
        }
        assert_eq!(
            (capture.stdout.as_str(), capture.stderr.as_str()),
            ("abf", "wxyz")
        );
        assert_eq!(capture.output, "abwxyzf");
        assert_eq!(capture.exceeded, Some(Stdout));
    }

    #[test]
    fn a_character_between_two_pieces_is_lost() {
        let mut capture = Capture::new(9);
        capture.take(Stdout, &[b'a', 0xc3]);
        capture.take(Stdout, &[0xa9, b'b']);
        assert_eq!(capture.stdout, "a\u{fffd}\u{fffd}b");
    }
}
