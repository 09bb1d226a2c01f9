//! Writes and reads the frames of a WebSocket by hand (RFC 6455, section 5.2), so that they may be wrong.

use super::raw::RawConnection;

/// The bit of a last fragment.
pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Ping,
    Pong(Vec<u8>),
    /// A close frame with this code.
    Close(u16),
}

/// The head of a masked frame, whose payload is masked with zeros.
pub(crate) fn head(first: u8, length_bytes: u64) -> Vec<u8> {
    masked_head(first, length_bytes, [0; 4])
}

fn masked_head(first: u8, length_bytes: u64, mask: [u8; 4]) -> Vec<u8> {
    let mut head = vec![first];
    if let Ok(short @ ..=125) = u8::try_from(length_bytes) {
        head.push(0x80 | short);
    } else if let Ok(medium) = u16::try_from(length_bytes) {
        head.push(0xfe);
        head.extend(medium.to_be_bytes());
    } else {
        head.push(0xff);
        head.extend(length_bytes.to_be_bytes());
    }
    head.extend(mask);
    head
}

/// A masked frame with this first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = masked_head(first, payload.len() as u64, MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}

/// A masked text message in one frame.
pub(crate) fn text(message: &[u8]) -> Vec<u8> {
    frame(FIN | TEXT, message)
}

/// A masked close frame.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

impl RawConnection {
    /// Reads the next frame, which must be whole and without a mask.
    pub(crate) async fn read_frame(&mut self) -> Received {
        let [first, length] = self.read_array().await;
        let length = match length {
            126 => u16::from_be_bytes(self.read_array().await).into(),
            127 => u64::from_be_bytes(self.read_array().await),
            short => short.into(),
        };
        let payload = self.read_bytes(usize::try_from(length).unwrap()).await;
        match first ^ FIN {
            TEXT => Received::Text(String::from_utf8(payload).unwrap()),
            PING => Received::Ping,
            PONG => Received::Pong(payload),
            CLOSE => Received::Close(u16::from_be_bytes([payload[0], payload[1]])),
            other => panic!("not a frame of the server: {other}"),
        }
    }

    async fn read_array<const N: usize>(&mut self) -> [u8; N] {
        self.read_bytes(N).await.try_into().unwrap()
    }
}
