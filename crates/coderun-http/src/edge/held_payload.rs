//! Holds the body of a request until the response is sent, and then discards the rest for a bounded time.
//!
//! If a handler does not read a body to its end, actix closes the connection after the response. The kernel resets it when the
//! client goes on sending, and the client may lose the response. If the body is chunked and dropped, actix reads and discards
//! it without a bound.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};

use actix_web::http::header;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::poll_fn;
use tokio::time::Sleep;

/// The body of a request, shared with the handler that reads it.
pub(super) struct HeldPayload {
    payload: Rc<RefCell<Payload>>,
    has_ended: Rc<Cell<bool>>,
}

impl HeldPayload {
    /// Holds the body of a request, if it has one. The bytes after an upgrade are not a body.
    pub(super) fn of(request: &mut ServiceRequest) -> Option<Self> {
        let headers = request.headers();
        if !headers.contains_key(header::TRANSFER_ENCODING)
            && !headers.contains_key(header::CONTENT_LENGTH)
        {
            return None;
        }
        let held = Self {
            payload: Rc::new(RefCell::new(request.take_payload())),
            has_ended: Rc::default(),
        };
        let (shared, has_ended) = (Rc::clone(&held.payload), Rc::clone(&held.has_ended));
        let payload = poll_fn(move |cx| {
            let piece = Pin::new(&mut *shared.borrow_mut()).poll_next(cx);
            has_ended.set(matches!(piece, Poll::Ready(None)));
            piece
        });
        request.set_payload(Payload::Stream {
            payload: Box::pin(payload),
        });
        Some(held)
    }

    /// A response body that ends when the request body has ended, or after the linger time.
    pub(super) fn until_sent(&self, body: BoxBody, linger: Duration) -> BoxBody {
        if self.has_ended.get() {
            return body;
        }
        BoxBody::new(LingeringBody {
            body,
            sent: false,
            unread: Rc::clone(&self.payload),
            linger,
            lingering: None,
        })
    }
}

struct LingeringBody {
    body: BoxBody,
    sent: bool,
    unread: Rc<RefCell<Payload>>,
    linger: Duration,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl LingeringBody {
    /// Discards the unread rest until its end or the end of the linger time.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match Pin::new(&mut *self.unread.borrow_mut()).poll_next(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        let linger = self.linger;
        let lingering = self
            .lingering
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(linger)));
        lingering.as_mut().poll(cx)
    }
}

impl MessageBody for LingeringBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if !self.sent {
            if let Some(piece) = ready!(Pin::new(&mut self.body).poll_next(cx)) {
                return Poll::Ready(Some(piece));
            }
            self.sent = true;
        }
        self.poll_discard(cx).map(|()| None)
    }
}
