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
    headers.get(name).and_then(ascii)
}

/// A value as text, if it is that. Same as `HeaderValue::to_str`, which looks at each byte by itself and so is slow for a token:
/// no value has control characters, so that only bytes that are not ASCII can be wrong.
pub(crate) fn ascii(value: &HeaderValue) -> Option<&str> {
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    text.is_ascii().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_text_as_the_library_says() {
        for byte in 0..=u8::MAX {
            let bytes = [b'a', byte, b'b'];
            let Ok(value) = HeaderValue::from_bytes(&bytes) else {
                continue;
            };
            assert_eq!(ascii(&value), value.to_str().ok(), "{byte}");
        }
        let value = HeaderValue::from_bytes("ümlaut".as_bytes()).unwrap();
        assert_eq!(ascii(&value), None);
    }
}
