//! Tells a connection when the answer to its request is complete, so that it waits for the next one.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

use crate::connections::RequestState;

/// Ends the request at once if the body is there, and otherwise when it has ended or is dropped.
pub(super) fn until_complete(body: BoxBody, connection: &Rc<RequestState>) -> BoxBody {
    if matches!(body.size(), BodySize::None | BodySize::Sized(0)) {
        connection.end();
        return body;
    }
    match body.try_into_bytes() {
        Ok(bytes) => {
            connection.end();
            BoxBody::new(bytes)
        }
        Err(body) => BoxBody::new(UnfinishedBody {
            body,
            connection: Rc::clone(connection),
        }),
    }
}

struct UnfinishedBody {
    body: BoxBody,
    connection: Rc<RequestState>,
}

impl MessageBody for UnfinishedBody {
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

impl Drop for UnfinishedBody {
    fn drop(&mut self) {
        self.connection.end();
    }
}
