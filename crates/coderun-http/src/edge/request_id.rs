//! Gives every request an id, for its response and for the log.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is accepted from a client.
const MAX_BYTES: usize = 128;

/// The id of one request: the client's if it is well formed, otherwise a fresh one.
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).filter(|value| is_well_formed(value));
        Self(given.cloned().unwrap_or_else(fresh))
    }

    /// The id as text, which consists of visible ASCII.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(super) fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_well_formed(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=MAX_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a request id is never stored, so it needs no port to make it predictable"
)]
fn fresh() -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn id(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(given).unwrap());
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_well_formed_id_is_kept() {
        assert_eq!(id("abc-123_{}"), "abc-123_{}");
        assert_eq!(id(&"x".repeat(128)), "x".repeat(128));
    }

    #[rstest]
    #[case("")]
    #[case("two words")]
    #[case("tab\there")]
    #[case("ümlaut")]
    #[case::too_long(&"x".repeat(129))]
    fn a_malformed_id_is_replaced(#[case] given: &str) {
        assert_eq!(id(given).len(), 36);
    }
}
