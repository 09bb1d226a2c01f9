//! What a client has typed and what waits behind it, in the order in which it came.

use std::collections::VecDeque;

use coderun_domain::InputPiece;

/// Beyond this nothing more is read from the client until some of it is kept.
const ROOM_BYTES: usize = 256 << 10;
/// What an entry takes beside its bytes, so that many small ones are bounded, too.
const ENTRY_BYTES: usize = 64;

/// Something whose turn comes when all before it is done.
#[derive(Debug)]
pub(super) enum Typed {
    /// For the program.
    Piece(InputPiece),
    /// A question whether all before it is kept.
    Ping,
}

impl Typed {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.size_bytes(),
            Self::Ping => ENTRY_BYTES,
        }
    }
}

/// What waits for its turn.
#[derive(Debug, Default)]
pub(super) struct TypingQueue {
    waiting: VecDeque<Typed>,
    size_bytes: usize,
}

impl TypingQueue {
    /// Whether one more message may be read.
    pub(super) const fn has_room(&self) -> bool {
        self.size_bytes < ROOM_BYTES
    }

    pub(super) fn push(&mut self, typed: Typed) {
        self.size_bytes += typed.size_bytes();
        self.waiting.push_back(typed);
    }

    pub(super) fn pop(&mut self) -> Option<Typed> {
        let typed = self.waiting.pop_front()?;
        self.size_bytes -= typed.size_bytes();
        if self.waiting.is_empty() {
            // A socket that only waits holds no room.
            self.waiting = VecDeque::new();
        }
        Some(typed)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn it_is_full_beyond_its_room_and_keeps_the_order() {
        let mut queue = TypingQueue::default();
        while queue.has_room() {
            queue.push(Typed::Piece(InputPiece::Data(Bytes::from_static(
                &[0; 1_000],
            ))));
            queue.push(Typed::Ping);
        }
        assert!(queue.waiting.len() < 2 * ROOM_BYTES / 1_000 + 2);
        assert!(matches!(queue.pop(), Some(Typed::Piece(_))));
        assert!(matches!(queue.pop(), Some(Typed::Ping)));
        while queue.pop().is_some() {}
        assert!(queue.has_room() && queue.size_bytes == 0);
    }
}
