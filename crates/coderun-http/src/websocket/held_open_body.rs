//! Keeps the connection of a socket open until the closing handshake is over.
//!
//! actix ends the connection together with the response body. If the peer sends anything after that, such as its own close
//! frame, it may lose data that it has not read yet. The body therefore stays open for the handshake.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::oneshot;

use super::send_window::SendWindow;

/// A response body that stays open after its end until the sender of `closed` is dropped. It reports to the send window
/// what actix takes and writes.
pub(super) struct HeldOpenBody {
    pub(super) body: BoxBody,
    pub(super) window: SendWindow,
    pub(super) closed: oneshot::Receiver<()>,
}

impl Drop for HeldOpenBody {
    fn drop(&mut self) {
        self.window.close();
    }
}

impl MessageBody for HeldOpenBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // actix polls for more once it has written nearly all that it took.
        self.window.record_written();
        // A body that has ended may be polled again.
        if let Some(piece) = ready!(Pin::new(&mut self.body).poll_next(cx)) {
            // One piece holds everything that was sent before it.
            self.window.record_taken();
            return Poll::Ready(Some(piece));
        }
        Pin::new(&mut self.closed).poll(cx).map(|_| None)
    }
}
