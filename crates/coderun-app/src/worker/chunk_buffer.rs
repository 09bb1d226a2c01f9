//! Joins what a program writes into chunks, so that many small writes are few events.

use bytes::BytesMut;
use coderun_domain::{Attempt, OutputChunk, OutputStream};

/// The largest chunk, in bytes.
pub(super) const CHUNK_MAX_BYTES: usize = 16 * 1024;
/// This many chunks keep the order in which the two streams were written; further writes are joined by stream.
const ORDERED_CHUNKS_MAX: usize = 64;

/// Output that is no event yet.
///
/// There are never more chunks than [`ORDERED_CHUNKS_MAX`] and two for every [`CHUNK_MAX_BYTES`], however small the writes.
#[derive(Debug, Default)]
pub(super) struct ChunkBuffer {
    chunks: Vec<OpenChunk>,
}

/// A chunk that later writes may be added to.
#[derive(Debug)]
struct OpenChunk {
    stream: OutputStream,
    bytes: BytesMut,
}

impl ChunkBuffer {
    /// Adds what was written.
    pub(super) fn push(&mut self, stream: OutputStream, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let chunk = self.chunk_for(stream);
            let room = CHUNK_MAX_BYTES.saturating_sub(chunk.bytes.len());
            let (fitting, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            chunk.bytes.extend_from_slice(fitting);
            bytes = rest;
        }
    }

    /// Takes all chunks out.
    pub(super) fn drain(&mut self, attempt: Attempt) -> impl Iterator<Item = OutputChunk> {
        self.chunks.drain(..).map(move |chunk| OutputChunk {
            stream: chunk.stream,
            bytes: chunk.bytes.freeze(),
            attempt,
        })
    }

    /// The chunk that the next bytes of a stream belong to: the last one of the stream if it has room and may be joined,
    /// else a new one.
    fn chunk_for(&mut self, stream: OutputStream) -> &mut OpenChunk {
        let last_of_stream = self.chunks.iter().rposition(|chunk| chunk.stream == stream);
        let is_last = last_of_stream.is_some_and(|index| index + 1 == self.chunks.len());
        let may_join = is_last || self.chunks.len() >= ORDERED_CHUNKS_MAX;
        let has_room = |chunk: &OpenChunk| chunk.bytes.len() < CHUNK_MAX_BYTES;
        let index = last_of_stream
            .filter(|index| may_join && self.chunks.get(*index).is_some_and(has_room))
            .unwrap_or(self.chunks.len());
        if index == self.chunks.len() {
            self.chunks.push(OpenChunk {
                stream,
                bytes: BytesMut::new(),
            });
        }
        #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
        &mut self.chunks[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STDOUT: OutputStream = OutputStream::Stdout;
    const STDERR: OutputStream = OutputStream::Stderr;

    fn drained(buffer: &mut ChunkBuffer) -> Vec<(OutputStream, Vec<u8>)> {
        buffer
            .drain(Attempt::NONE)
            .map(|chunk| (chunk.stream, chunk.bytes.to_vec()))
            .collect()
    }

    #[test]
    fn consecutive_writes_to_one_stream_are_one_chunk() {
        let mut buffer = ChunkBuffer::default();
        for _ in 0..1000 {
            buffer.push(STDOUT, b"x");
        }
        assert_eq!(drained(&mut buffer), [(STDOUT, b"x".repeat(1000))]);
        assert_eq!(drained(&mut buffer), []);
    }

    #[test]
    fn the_two_streams_keep_their_order() {
        let mut buffer = ChunkBuffer::default();
        for (stream, bytes) in [(STDOUT, b"a"), (STDERR, b"b"), (STDOUT, b"c")] {
            buffer.push(stream, bytes);
        }
        let expected = [(STDOUT, "a"), (STDERR, "b"), (STDOUT, "c")];
        assert_eq!(
            drained(&mut buffer),
            expected.map(|(stream, text)| (stream, text.into()))
        );
    }

    #[test]
    fn a_long_write_is_cut() {
        let mut buffer = ChunkBuffer::default();
        buffer.push(STDOUT, &vec![b'x'; CHUNK_MAX_BYTES * 2 + 1]);
        let lengths: Vec<_> = drained(&mut buffer)
            .iter()
            .map(|(_, it)| it.len())
            .collect();
        assert_eq!(lengths, [CHUNK_MAX_BYTES, CHUNK_MAX_BYTES, 1]);
    }

    #[test]
    fn many_small_writes_to_both_streams_are_few_chunks_and_lose_nothing() {
        let mut buffer = ChunkBuffer::default();
        let count = CHUNK_MAX_BYTES * 3;
        for number in 0..count {
            let byte = [u8::try_from(number % 251).unwrap()];
            buffer.push(STDOUT, &byte);
            buffer.push(STDERR, &byte);
        }
        let chunks = drained(&mut buffer);
        assert!(
            chunks.len() <= ORDERED_CHUNKS_MAX + 8,
            "{} chunks",
            chunks.len()
        );
        for stream in [STDOUT, STDERR] {
            let of_stream = chunks.iter().filter(|(its, _)| *its == stream);
            let whole: Vec<u8> = of_stream.flat_map(|(_, bytes)| bytes.clone()).collect();
            let written = (0..count).map(|number| u8::try_from(number % 251).unwrap());
            assert!(whole.into_iter().eq(written));
        }
    }
}
