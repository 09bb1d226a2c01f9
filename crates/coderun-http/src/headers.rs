//! Reads headers and parameters that may be given once, and headers that must be text.

use actix_web::http::header::{AsHeaderName, HeaderMap, HeaderValue};

/// Names a submission, so that a repetition of it is not run again.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// A header or parameter is given more than once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeated;

/// The only value, if there is any.
pub(crate) fn at_most_one<T>(mut values: impl Iterator<Item = T>) -> Result<Option<T>, Repeated> {
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Repeated),
    }
}

/// The value of a header that is given at most once.
pub(crate) fn single(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&HeaderValue>, Repeated> {
    at_most_one(headers.get_all(name))
}

/// The first value of a header as text, if it is text.
pub(crate) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
