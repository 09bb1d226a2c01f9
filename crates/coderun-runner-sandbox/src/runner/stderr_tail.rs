//! Keeps the end of what a program wrote to stderr, by which a failed allocation is recognised.

/// The last bytes of stderr.
#[derive(Debug, Default)]
pub(super) struct StderrTail {
    bytes: Vec<u8>,
}

impl StderrTail {
    /// Adds what was written next.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        // Seldom, because it moves what is kept.
        if self.bytes.len() > 2 * KEPT_BYTES {
            self.bytes.drain(..self.bytes.len() - KEPT_BYTES);
        }
    }

    /// The kept text. Its first line may be the end of one.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Enough for the traces that runtimes write after the message.
const KEPT_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_the_rest_is_bounded() {
        let mut tail = StderrTail::default();
        for _ in 0..1000 {
            tail.push(&[b'x'; 1000]);
        }
        tail.push(b"\nthe end");
        assert!(tail.text().ends_with("x\nthe end"));
        assert!(tail.text().len() <= 2 * KEPT_BYTES);
    }
}
