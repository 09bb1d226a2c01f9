//! Answers, and what faults make of them.

mod body;
mod spoil;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::ByteSize;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use socket2::Socket;

pub(crate) use body::AnswerBody;

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// What is answered, and how it is sent.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content_type: Option<&'static str>,
    retry_after: Option<String>,
    body: Bytes,
    delivery: Delivery,
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    /// As it is.
    Whole,
    /// With so much text in it instead of the body.
    Huge(ByteSize),
    /// Not at all: the connection is reset.
    Reset,
    /// Up to its half, and then the connection is reset.
    ResetInBody,
    /// Never.
    Never,
    /// With a pause before each byte.
    Slow(Duration),
}

/// The connection is at its end, on purpose or because the client left.
#[derive(Debug, thiserror::Error)]
#[error("the connection is broken")]
pub(crate) struct Broken;

impl Answer {
    /// An answer of JSON.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self {
                status,
                content_type: Some(JSON),
                retry_after: None,
                body: body.into(),
                delivery: Delivery::Whole,
            },
            // No text, number or list that is answered here can fail to be written.
            Err(_) => Self::failure(),
        }
    }

    /// An answer with a message.
    pub(crate) fn message(status: StatusCode, text: &str) -> Self {
        Self::json(status, &json!({"message": text}))
    }

    /// 500 without a body.
    pub(crate) const fn failure() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            content_type: None,
            retry_after: None,
            body: Bytes::new(),
            delivery: Delivery::Whole,
        }
    }

    fn page(status: StatusCode) -> Self {
        let page = format!(
            "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
        );
        Self {
            status,
            content_type: Some(HTML),
            body: page.into(),
            ..Self::failure()
        }
    }

    /// Sends it, or breaks the connection.
    pub(crate) async fn send(self, resetter: &Resetter) -> Result<Response<AnswerBody>, Broken> {
        let body = match self.delivery {
            Delivery::Reset => {
                resetter.arm();
                return Err(Broken);
            }
            Delivery::Never => std::future::pending().await,
            Delivery::Whole => AnswerBody::whole(self.body),
            Delivery::Huge(size) => AnswerBody::huge(size),
            Delivery::ResetInBody => AnswerBody::half(&self.body, resetter.clone()),
            Delivery::Slow(pause) => AnswerBody::slow(self.body, pause),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let powered_by = HeaderName::from_static("x-powered-by");
        headers.insert(powered_by, HeaderValue::from_static("Express"));
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let retry_after = self.retry_after.map(HeaderValue::try_from);
        if let Some(Ok(retry_after)) = retry_after {
            headers.insert(RETRY_AFTER, retry_after);
        }
        Ok(response)
    }
}

/// Makes the end of a connection a reset.
#[derive(Debug, Clone)]
pub(crate) struct Resetter(Arc<Socket>);

impl Resetter {
    /// For the connection with this socket, of which it keeps another descriptor: options are those of the socket.
    pub(crate) fn new(socket: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self(Arc::new(Socket::from(socket.try_clone_to_owned()?))))
    }

    /// From now on closing resets.
    pub(crate) fn arm(&self) {
        if let Err(error) = self.0.set_linger(Some(Duration::ZERO)) {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot reset");
        }
    }
}
