//! Bodies in chunks that nobody reads to their end.
//!
//! Once the body of an answered request is dropped, actix goes on to read and discard it, if it comes in chunks: for
//! as long as the client likes. While the body is held it closes the connection after the answer instead. So it is
//! held until the answer is sent.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header;
use bytes::Bytes;
use futures_util::Stream;

/// The body of a request, held beside whoever reads it.
pub(super) struct HeldPayload(Rc<RefCell<Payload>>);

impl HeldPayload {
    /// Holds the body of a request, if it comes in chunks.
    pub(super) fn of(request: &mut ServiceRequest) -> Option<Self> {
        if !request.headers().contains_key(header::TRANSFER_ENCODING) {
            return None;
        }
        let held = Rc::new(RefCell::new(request.take_payload()));
        let payload = Box::pin(SharedPayload(Rc::clone(&held)));
        request.set_payload(Payload::Stream { payload });
        Some(Self(held))
    }

    /// The body of the answer, which holds that of the request until it is sent.
    pub(super) fn until_sent(&self, body: BoxBody) -> BoxBody {
        BoxBody::new(HoldingBody {
            body,
            _payload: Rc::clone(&self.0),
        })
    }
}

struct SharedPayload(Rc<RefCell<Payload>>);

impl Stream for SharedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

struct HoldingBody {
    body: BoxBody,
    _payload: Rc<RefCell<Payload>>,
}

impl MessageBody for HoldingBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
