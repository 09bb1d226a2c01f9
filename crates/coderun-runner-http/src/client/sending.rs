//! Knows whether a request has begun to be sent, which decides whether it may be sent again or be taken back.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const UNSENT: u8 = 0;
const SENT: u8 = 1;
const GIVEN_UP: u8 = 2;

/// One request on its way: unsent, then either sent or given up, for ever.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sending(Arc<AtomicU8>);

impl Sending {
    /// Sees to it that a request of which nothing was sent is never sent; `false` where it is too late for that.
    pub(crate) fn give_up(&self) -> bool {
        self.leave_unsent(GIVEN_UP) != SENT
    }

    /// Whether a server may have received it.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire) == SENT
    }

    /// A body that takes note when it is asked for.
    pub(super) fn body(&self, bytes: Bytes) -> reqwest::Body {
        reqwest::Body::wrap(TrackedBody {
            bytes: Some(bytes),
            sending: self.clone(),
        })
    }

    fn begin(&self) -> Result<(), GivenUp> {
        match self.leave_unsent(SENT) {
            GIVEN_UP => Err(GivenUp),
            _ => Ok(()),
        }
    }

    /// Answers what it is now, or has been before.
    fn leave_unsent(&self, to: u8) -> u8 {
        let swap = self
            .0
            .compare_exchange(UNSENT, to, Ordering::AcqRel, Ordering::Acquire);
        swap.map_or_else(|there| there, |_| to)
    }
}

/// The request is not wanted any more.
#[derive(Debug, thiserror::Error)]
#[error("the request was given up")]
struct GivenUp;

struct TrackedBody {
    bytes: Option<Bytes>,
    sending: Sending,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        let begun = self.sending.begin().map_err(Into::into);
        Poll::Ready(Some(begun.map(|()| Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_never_sent() {
        let sending = Sending::default();
        assert!(sending.give_up());
        assert!(sending.begin().is_err());
        assert!(!sending.has_begun());
        assert!(sending.give_up(), "it still is");
    }

    #[test]
    fn what_was_sent_cannot_be_given_up() {
        let sending = Sending::default();
        assert!(sending.begin().is_ok());
        assert!(!sending.give_up());
        assert!(sending.has_begun());
    }
}
