//! When the connection of a socket ends.
//!
//! actix ends it together with the body of the answer, and what the peer sends after that, such as its own close frame,
//! may cost it the last of what it has not read yet. So the body stays open until the closing handshake is over.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::oneshot;

use super::flow::Flow;

/// The body of an answer, open beyond its end for as long as the other half of its channel lives. It says when what was
/// sent is taken.
pub(super) struct OpenBody {
    body: BoxBody,
    flow: Flow,
    ended: oneshot::Receiver<()>,
}

impl OpenBody {
    pub(super) const fn new(body: BoxBody, flow: Flow, ended: oneshot::Receiver<()>) -> Self {
        Self { body, flow, ended }
    }
}

impl Drop for OpenBody {
    fn drop(&mut self) {
        self.flow.end();
    }
}

impl MessageBody for OpenBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // actix asks for more when it has written nearly all of what it has.
        self.flow.written();
        // The body of a socket answers again and again that it has ended.
        if let Some(piece) = ready!(Pin::new(&mut self.body).poll_next(cx)) {
            // One piece holds all that was sent before it.
            self.flow.all_taken();
            return Poll::Ready(Some(piece));
        }
        Pin::new(&mut self.ended).poll(cx).map(|_| None)
    }
}
