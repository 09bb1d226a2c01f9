//! Refuses a frame that is too long as soon as its head announces the length.
//!
//! The codec behind it checks the length only when the whole frame is in memory. It also keeps the pieces of an unfinished
//! message as slices of the receive buffers, so that one byte of a piece keeps a whole buffer alive.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use futures_util::StreamExt;

/// The longest head of a frame: two bytes, eight of length, four of mask (RFC 6455, section 5.2).
const HEAD_MAX_BYTES: usize = 14;

/// The most bytes, heads and control frames included, that may arrive until a message in pieces is finished: this many times
/// the longest payload.
const UNFINISHED_MAX: u64 = 8;

/// Passes on the bytes of a client, up to the first frame whose payload is longer than `max_bytes`.
pub(super) fn guard(payload: Payload, max_bytes: u64) -> Payload {
    let mut frames = FrameScanner::new(max_bytes);
    let checked = payload.map(move |received| {
        let bytes = received?;
        if frames.accepts(&bytes) {
            Ok(bytes)
        } else {
            Err(PayloadError::Overflow)
        }
    });
    Payload::Stream {
        payload: Box::pin(checked),
    }
}

/// The position within the stream of frames.
struct FrameScanner {
    head: [u8; HEAD_MAX_BYTES],
    head_bytes: usize,
    payload_left: u64,
    max_bytes: u64,
    /// The bytes received since an unfinished message in pieces began.
    unfinished_bytes: Option<u64>,
    /// A frame is too long. The bytes after it cannot be parsed.
    has_failed: bool,
}

impl FrameScanner {
    const fn new(max_bytes: u64) -> Self {
        Self {
            head: [0; HEAD_MAX_BYTES],
            head_bytes: 0,
            payload_left: 0,
            max_bytes,
            unfinished_bytes: None,
            has_failed: false,
        }
    }

    /// Reads the next bytes. Returns whether no frame is too long yet.
    fn accepts(&mut self, mut bytes: &[u8]) -> bool {
        while let (Some((first, rest)), false) = (bytes.split_first(), self.has_failed) {
            if self.payload_left > 0 {
                let skipped = usize::try_from(self.payload_left)
                    .map_or(bytes.len(), |left| left.min(bytes.len()));
                self.payload_left -= u64::try_from(skipped).unwrap_or(self.payload_left);
                bytes = bytes.get(skipped..).unwrap_or_default();
            } else {
                self.read_head(*first);
                bytes = rest;
            }
        }
        !self.has_failed
    }

    /// Reads one byte of a head. Once the head is complete, the payload follows.
    fn read_head(&mut self, byte: u8) {
        if let Some(next) = self.head.get_mut(self.head_bytes) {
            *next = byte;
            self.head_bytes += 1;
        }
        let [_, second, ..] = self.head;
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
        if self.head_bytes < 2 || self.head_bytes < 2 + length_bytes + mask_bytes {
            return;
        }
        let length = match length_bytes {
            0 => u64::from(second & 0x7f),
            _ => self
                .head
                .iter()
                .skip(2)
                .take(length_bytes)
                .fold(0, |length, byte| (length << 8) | u64::from(*byte)),
        };
        let frame_bytes = length.saturating_add(u64::try_from(self.head_bytes).unwrap_or(u64::MAX));
        self.head_bytes = 0;
        self.payload_left = length;
        self.has_failed = length > self.max_bytes || !self.fits_unfinished_message(frame_bytes);
    }

    /// Counts a frame, whose head is complete, towards the unfinished message. Returns whether the message is within its bound.
    fn fits_unfinished_message(&mut self, frame_bytes: u64) -> bool {
        let [first, ..] = self.head;
        let (is_last, is_control) = (first & 0x80 != 0, first & 0x08 != 0);
        let received = self
            .unfinished_bytes
            .unwrap_or(0)
            .saturating_add(frame_bytes);
        self.unfinished_bytes = match (is_control, is_last) {
            (true, _) => self.unfinished_bytes.map(|_| received),
            // The last piece of a message. A frame that is a whole message has an opcode other than 0.
            (false, true) if first.trailing_zeros() >= 4 => None,
            (false, true) => self.unfinished_bytes.map(|_| received),
            (false, false) => Some(received),
        };
        let most = self.max_bytes.saturating_mul(UNFINISHED_MAX);
        self.unfinished_bytes
            .is_none_or(|received| received <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 65_536;

    fn frame(length: u64, masked: bool) -> Vec<u8> {
        let mask_bit = u8::from(masked) << 7;
        let mut frame = vec![0x81];
        match length {
            0..=125 => frame.push(mask_bit + u8::try_from(length).unwrap()),
            126..=65_535 => {
                frame.push(mask_bit + 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask_bit + 127);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend([7; 4].iter().take(if masked { 4 } else { 0 }));
        frame
    }

    fn whole(length: u64) -> Vec<u8> {
        let mut bytes = frame(length, true);
        bytes.resize(bytes.len() + usize::try_from(length).unwrap(), b'x');
        bytes
    }

    #[test]
    fn frames_up_to_the_limit_pass_in_pieces_of_any_size() {
        let mut stream = Vec::new();
        for length in [0, 1, 125, 126, 127, 65_535, MAX, 3] {
            stream.extend(whole(length));
        }
        for size in [1, 2, 7, 1000, stream.len()] {
            let mut frames = FrameScanner::new(MAX);
            for piece in stream.chunks(size) {
                assert!(frames.accepts(piece), "in pieces of {size}");
            }
            assert_eq!((frames.head_bytes, frames.payload_left), (0, 0));
        }
    }

    #[test]
    fn a_longer_frame_is_refused_once_its_head_is_complete() {
        for masked in [true, false] {
            let head = frame(MAX + 1, masked);
            let mut frames = FrameScanner::new(MAX);
            let (last, before) = head.split_last().unwrap();
            assert!(frames.accepts(before));
            assert!(!frames.accepts(&[*last]));
            assert!(!frames.accepts(&[0]), "and so is everything after it");
        }
    }

    /// One byte of an unfinished message in every read, which is otherwise full of control frames.
    #[test]
    fn a_message_that_does_not_end_is_refused_before_it_holds_much() {
        let mut frames = FrameScanner::new(MAX);
        let mut round = vec![0x00, 0x81, 1, 2, 3, 4, b'x'];
        for _ in 0..500 {
            round.extend([0x8a, 0x80 + 125, 1, 2, 3, 4]);
            round.extend([b'p'; 125]);
        }
        assert!(frames.accepts(&[0x01, 0x81, 1, 2, 3, 4, b'x']));
        let refused = (0..100).find(|_| !frames.accepts(&round));
        assert_eq!(refused, Some(8));
    }

    #[test]
    fn finished_messages_in_pieces_and_control_frames_are_never_refused() {
        let mut frames = FrameScanner::new(MAX);
        for _ in 0..100 {
            for first in [0x01, 0x89, 0x00, 0x80, 0x8a] {
                let mut piece = vec![first, 0x80 + 126];
                let length = if first & 0x08 == 0 { 20_000_u16 } else { 126 };
                piece.extend(length.to_be_bytes());
                piece.extend([0; 4]);
                piece.extend(vec![b'x'; usize::from(length)]);
                assert!(frames.accepts(&piece));
            }
        }
    }

    #[test]
    fn the_longest_possible_length_does_not_overflow() {
        let mut frames = FrameScanner::new(u64::MAX);
        assert!(frames.accepts(&frame(u64::MAX, true)));
        assert!(frames.accepts(&[0; 1000]));
        assert_eq!(frames.payload_left, u64::MAX - 1000);
    }
}
