//! Tracks whether a request has begun to be sent: until then it can be prevented.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const UNSENT: u8 = 0;
const SENT: u8 = 1;
const PREVENTED: u8 = 2;

/// Whether the requests for one program have begun to be sent. Prevented ones are never sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct SendState(Arc<AtomicU8>);

impl SendState {
    /// Prevents what was not sent yet; `false` if something was sent already.
    pub(crate) fn prevent(&self) -> bool {
        self.leave_unsent(PREVENTED) == PREVENTED
    }

    /// Whether the API may have received something.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire) == SENT
    }

    /// A body that marks the state as sent when it is read.
    pub(super) fn body(&self, bytes: Bytes) -> TrackedBody {
        TrackedBody {
            bytes: Some(bytes),
            state: self.clone(),
        }
    }

    /// The API refused what was sent: nothing runs there.
    pub(crate) fn reset(&self) {
        self.0.store(UNSENT, Ordering::Release);
    }

    /// Marks that something is sent now; `false` if that was prevented.
    pub(crate) fn begin(&self) -> bool {
        self.leave_unsent(SENT) == SENT
    }

    /// Sets the state if nothing was sent or prevented; answers what holds from now on.
    fn leave_unsent(&self, to: u8) -> u8 {
        let swap = self
            .0
            .compare_exchange(UNSENT, to, Ordering::AcqRel, Ordering::Acquire);
        swap.map_or_else(|there| there, |_| to)
    }
}

/// Prevents what was not sent yet when it is dropped.
#[derive(Debug)]
pub(crate) struct PreventOnDrop(pub(crate) SendState);

impl Drop for PreventOnDrop {
    fn drop(&mut self) {
        self.0.prevent();
    }
}

/// The body of a request, or none.
#[derive(Default)]
pub(super) struct TrackedBody {
    bytes: Option<Bytes>,
    state: SendState,
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
        Poll::Ready(Some(if self.state.begin() {
            Ok(Frame::data(bytes))
        } else {
            Err("the request was prevented".into())
        }))
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
    fn a_prevented_request_is_never_sent() {
        let state = SendState::default();
        assert!(state.prevent());
        assert!(!state.begin());
        assert!(!state.has_begun());
    }

    #[test]
    fn a_sent_request_cannot_be_prevented() {
        let state = SendState::default();
        assert!(state.begin());
        assert!(!state.prevent());
        assert!(state.has_begun());
    }

    #[test]
    fn a_refused_request_may_be_sent_again() {
        let state = SendState::default();
        assert!(state.begin());
        state.reset();
        assert!(!state.has_begun());
        assert!(state.begin());
    }
}
