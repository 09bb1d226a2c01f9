//! Joins what a program writes into pieces that are worth an event each.

use bytes::BytesMut;
use coderun_domain::{Attempt, OutputChunk, OutputStream};

/// No piece carries more than this, in bytes.
pub(super) const PIECE_MAX_BYTES: usize = 16 * 1024;
/// So many pieces keep the order in which the two streams were written; more are joined by stream.
const ORDERED_MAX: usize = 64;

/// What was written since watchers were last told.
///
/// There are never more pieces than [`ORDERED_MAX`] and two for every [`PIECE_MAX_BYTES`], however small the writes.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    open: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    stream: OutputStream,
    bytes: BytesMut,
}

impl Pieces {
    /// Adds what was written.
    pub(super) fn push(&mut self, stream: OutputStream, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let piece = self.piece_for(stream);
            let room = PIECE_MAX_BYTES.saturating_sub(piece.bytes.len());
            let (fitting, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            piece.bytes.extend_from_slice(fitting);
            bytes = rest;
        }
    }

    /// Takes all pieces, to be told as they are from now on.
    pub(super) fn seal(&mut self, attempt: Attempt) -> impl Iterator<Item = OutputChunk> {
        self.open.drain(..).map(move |piece| OutputChunk {
            stream: piece.stream,
            bytes: piece.bytes.freeze(),
            attempt,
        })
    }

    /// The piece that the next bytes of a stream belong to: one with room, a new one otherwise.
    fn piece_for(&mut self, stream: OutputStream) -> &mut Piece {
        let last_of_stream = self.open.iter().rposition(|piece| piece.stream == stream);
        let is_last = last_of_stream.is_some_and(|index| index + 1 == self.open.len());
        let may_join = is_last || self.open.len() >= ORDERED_MAX;
        let has_room = |piece: &Piece| piece.bytes.len() < PIECE_MAX_BYTES;
        let index = last_of_stream
            .filter(|index| may_join && self.open.get(*index).is_some_and(has_room))
            .unwrap_or(self.open.len());
        if index == self.open.len() {
            self.open.push(Piece {
                stream,
                bytes: BytesMut::new(),
            });
        }
        #[expect(clippy::indexing_slicing, reason = "found or made just above")]
        &mut self.open[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STDOUT: OutputStream = OutputStream::Stdout;
    const STDERR: OutputStream = OutputStream::Stderr;

    fn sealed(pieces: &mut Pieces) -> Vec<(OutputStream, Vec<u8>)> {
        let chunks = pieces.seal(Attempt::NONE);
        chunks
            .map(|chunk| (chunk.stream, chunk.bytes.to_vec()))
            .collect()
    }

    #[test]
    fn neighbours_of_one_stream_are_one_piece() {
        let mut pieces = Pieces::default();
        for _ in 0..1000 {
            pieces.push(STDOUT, b"x");
        }
        assert_eq!(sealed(&mut pieces), [(STDOUT, b"x".repeat(1000))]);
        assert_eq!(sealed(&mut pieces), []);
    }

    #[test]
    fn the_two_streams_keep_their_order() {
        let mut pieces = Pieces::default();
        for (stream, bytes) in [(STDOUT, b"a"), (STDERR, b"b"), (STDOUT, b"c")] {
            pieces.push(stream, bytes);
        }
        let expected = [(STDOUT, "a"), (STDERR, "b"), (STDOUT, "c")];
        assert_eq!(
            sealed(&mut pieces),
            expected.map(|(stream, text)| (stream, text.into()))
        );
    }

    #[test]
    fn a_long_write_is_cut() {
        let mut pieces = Pieces::default();
        pieces.push(STDOUT, &vec![b'x'; PIECE_MAX_BYTES * 2 + 1]);
        let lengths: Vec<_> = sealed(&mut pieces).iter().map(|(_, it)| it.len()).collect();
        assert_eq!(lengths, [PIECE_MAX_BYTES, PIECE_MAX_BYTES, 1]);
    }

    #[test]
    fn many_small_writes_to_both_streams_are_few_pieces_and_whole() {
        let mut pieces = Pieces::default();
        let count = PIECE_MAX_BYTES * 3;
        for number in 0..count {
            let byte = [u8::try_from(number % 251).unwrap()];
            pieces.push(STDOUT, &byte);
            pieces.push(STDERR, &byte);
        }
        let sealed = sealed(&mut pieces);
        assert!(sealed.len() <= ORDERED_MAX + 8, "{} pieces", sealed.len());
        for stream in [STDOUT, STDERR] {
            let of_stream = sealed.iter().filter(|(its, _)| *its == stream);
            let whole: Vec<u8> = of_stream.flat_map(|(_, bytes)| bytes.clone()).collect();
            let written = (0..count).map(|number| u8::try_from(number % 251).unwrap());
            assert!(whole.into_iter().eq(written));
        }
    }
}
