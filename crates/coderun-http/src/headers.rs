//! Reads headers that must be given once, and headers that must be text.

use actix_web::http::header::{AsHeaderName, HeaderMap, HeaderValue};

/// A header is given more than once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RepeatedHeader;

/// The value of a header that is given at most once.
pub(crate) fn single(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&HeaderValue>, RepeatedHeader> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(RepeatedHeader),
    }
}

/// The first value of a header as text, if it is text.
pub(crate) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
