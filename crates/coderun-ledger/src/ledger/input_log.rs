//! Keeps the input of one execution within a bound, and knows how much of it was read.

use std::collections::VecDeque;

use coderun_domain::{
    Attempt, InputError, InputId, InputPiece, InputPosition, InputReply, SenderId, StorePolicy,
};

use super::snapshot::InputSnapshot;
use super::usage::to_u64;
use crate::wake::{WakeListener, WakeSignal};

/// What one read answers at most, unless a single piece is larger.
const READ_BYTES: usize = 64 << 10;

/// The input of one execution: kept pieces, how much of them was read, and who sent them.
#[derive(Debug, Default)]
pub(crate) struct InputLog {
    pieces: VecDeque<InputPiece>,
    /// How many pieces were dropped to make room.
    dropped: u64,
    bytes: usize,
    /// The attempt that reads, and how far it has read.
    reader: Attempt,
    read_to: InputPosition,
    /// The last piece of each of the last senders. The sender that sent last comes last.
    senders: Vec<InputId>,
    is_ended: bool,
    signal: WakeSignal,
}

impl InputLog {
    /// Keeps a piece if there is room. Pieces that the reading attempt has read make room.
    pub(crate) fn send(
        &mut self,
        input: InputId,
        piece: InputPiece,
        reader: Option<Attempt>,
    ) -> InputReply {
        if self.last_of(input.sender) >= input.number {
            return InputReply::Kept;
        }
        if self.is_ended {
            return InputReply::Ended;
        }
        let read = reader.map_or(InputPosition::START, |attempt| self.read_by(attempt));
        if !self.make_room(piece.size_bytes(), read) {
            return InputReply::Full;
        }
        self.is_ended = piece == InputPiece::End;
        self.bytes += piece.size_bytes();
        self.pieces.push_back(piece);
        self.remember(input);
        self.signal.wake();
        InputReply::Kept
    }

    /// The pieces after this position; what comes before counts as read.
    pub(crate) fn receive(
        &mut self,
        after: InputPosition,
        attempt: Attempt,
    ) -> Result<Vec<InputPiece>, InputError> {
        let earlier = self.read_by(attempt);
        self.reader = attempt;
        self.read_to = earlier.max(after);
        let skipped = after.number().checked_sub(self.dropped);
        let skipped = skipped.ok_or(InputError::Forgotten)?;
        let mut room = READ_BYTES;
        let rest = self.pieces.iter().skip(to_usize(skipped)).enumerate();
        let fitting = rest.take_while(|(index, piece)| {
            let fits = *index == 0 || piece.size_bytes() <= room;
            room = room.saturating_sub(piece.size_bytes());
            fits
        });
        Ok(fitting.map(|(_, piece)| piece.clone()).collect())
    }

    /// The log as it was saved.
    pub(crate) fn restored(saved: InputSnapshot) -> Self {
        let pieces: VecDeque<_> = saved.pieces.into_iter().map(|(_, piece)| piece).collect();
        Self {
            bytes: pieces.iter().map(InputPiece::size_bytes).sum(),
            is_ended: pieces.back() == Some(&InputPiece::End),
            pieces,
            dropped: saved.dropped,
            senders: saved.senders,
            ..Self::default()
        }
    }

    /// What is to be saved: of the pieces those after this position.
    pub(crate) fn snapshot_after(&self, position: InputPosition) -> InputSnapshot {
        let skipped = position.number().saturating_sub(self.dropped);
        let positions = (self.dropped..).map(InputPosition::from_number);
        let pieces = positions.zip(self.pieces.iter().cloned());
        InputSnapshot {
            dropped: self.dropped,
            pieces: pieces.skip(to_usize(skipped)).collect(),
            senders: self.senders.clone(),
        }
    }

    /// The position behind everything.
    pub(crate) fn end(&self) -> InputPosition {
        InputPosition::from_number(self.dropped + to_u64(self.pieces.len()))
    }

    /// A listener for more; `None` if there is something after this position.
    pub(crate) fn listen_after(&mut self, after: InputPosition) -> Option<WakeListener> {
        (after >= self.end()).then(|| self.signal.listen())
    }

    /// How many pieces are kept.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(crate) fn listeners(&self) -> usize {
        self.signal.listeners()
    }

    /// Drops the oldest pieces before this position until there is room for so many bytes more; nothing if that is not
    /// enough.
    fn make_room(&mut self, bytes: usize, read: InputPosition) -> bool {
        let bound = to_usize(StorePolicy::INPUT_KEPT_MAX.as_bytes());
        let read = to_usize(read.number().saturating_sub(self.dropped));
        let read_bytes: usize = self
            .pieces
            .iter()
            .take(read)
            .map(InputPiece::size_bytes)
            .sum();
        if self.bytes - read_bytes + bytes > bound {
            return false;
        }
        while self.bytes + bytes > bound
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.bytes -= oldest.size_bytes();
            self.dropped += 1;
        }
        true
    }

    /// How far this attempt has read: each begins anew.
    fn read_by(&self, attempt: Attempt) -> InputPosition {
        if self.reader == attempt {
            self.read_to
        } else {
            InputPosition::START
        }
    }

    fn last_of(&self, sender: SenderId) -> u64 {
        let last = self.senders.iter().find(|last| last.sender == sender);
        last.map_or(0, |last| last.number)
    }

    fn remember(&mut self, input: InputId) {
        self.senders.retain(|last| last.sender != input.sender);
        self.senders.push(input);
        let excess = self.senders.len().saturating_sub(StorePolicy::SENDERS_KEPT);
        self.senders.drain(..excess);
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
