//! Queues the input and the pings of a client in the order of their arrival.

use std::collections::VecDeque;

use coderun_domain::InputPiece;

/// Above this size nothing more is read from the client until some input is stored.
const CAPACITY_BYTES: usize = 256 << 10;
/// The size of an entry without data, so that many small entries are bounded as well.
const ENTRY_BYTES: usize = 64;

/// An entry, handled once all entries before it are.
#[derive(Debug)]
pub(super) enum QueuedInput {
    /// Input for the program.
    Piece(InputPiece),
    /// A ping: its pong tells the client that all earlier input is stored.
    Ping,
}

impl QueuedInput {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.size_bytes(),
            Self::Ping => ENTRY_BYTES,
        }
    }
}

/// The entries that wait.
#[derive(Debug, Default)]
pub(super) struct InputQueue {
    waiting: VecDeque<QueuedInput>,
    size_bytes: usize,
}

impl InputQueue {
    /// Whether one more message may be read.
    pub(super) const fn has_capacity(&self) -> bool {
        self.size_bytes < CAPACITY_BYTES
    }

    pub(super) fn push(&mut self, input: QueuedInput) {
        self.size_bytes += input.size_bytes();
        self.waiting.push_back(input);
    }

    pub(super) fn pop(&mut self) -> Option<QueuedInput> {
        let input = self.waiting.pop_front()?;
        self.size_bytes -= input.size_bytes();
        if self.waiting.is_empty() {
            // An idle socket keeps no buffer.
            self.waiting = VecDeque::new();
        }
        Some(input)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn the_queue_is_bounded_and_keeps_the_order() {
        let mut queue = InputQueue::default();
        while queue.has_capacity() {
            queue.push(QueuedInput::Piece(InputPiece::Data(Bytes::from_static(
                &[0; 1_000],
            ))));
            queue.push(QueuedInput::Ping);
        }
        assert!(queue.waiting.len() < 2 * CAPACITY_BYTES / 1_000 + 2);
        assert!(matches!(queue.pop(), Some(QueuedInput::Piece(_))));
        assert!(matches!(queue.pop(), Some(QueuedInput::Ping)));
        while queue.pop().is_some() {}
        assert!(queue.has_capacity() && queue.size_bytes == 0);
    }
}
