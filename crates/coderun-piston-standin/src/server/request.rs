//! Reads requests as Express does with body-parser.

use bytes::{Bytes, BytesMut};
use coderun_domain::ByteSize;
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

/// A body as it came.
#[derive(Debug)]
pub(super) struct Received {
    /// All of it, or its head up to the limit.
    pub(super) bytes: Bytes,
    is_too_long: bool,
}

/// Why a body cannot be read: the answer is 400 with this stack of an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) stack: String,
}

/// Reads a body to its end, and keeps of it what fits. Answering before the end would reset the connection.
pub(super) async fn receive(mut body: Incoming, limit: ByteSize) -> hyper::Result<Received> {
    let limit = usize::try_from(limit.as_bytes()).unwrap_or(usize::MAX);
    let mut bytes = BytesMut::new();
    let mut is_too_long = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let room = limit.saturating_sub(bytes.len());
        is_too_long |= data.len() > room;
        bytes.extend_from_slice(data.get(..room).unwrap_or(&data));
    }
    Ok(Received {
        bytes: bytes.freeze(),
        is_too_long,
    })
}

/// The value in a body. What body-parser does not look at is an empty object.
pub(super) fn parse(headers: &HeaderMap, received: &Received) -> Result<Value, Unreadable> {
    let content_type = text(headers, CONTENT_TYPE.as_str());
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json = essence == "application/json";
    if !is_json && essence != "application/x-www-form-urlencoded" {
        return Ok(empty());
    }
    let encoding = text(headers, CONTENT_ENCODING.as_str()).to_ascii_lowercase();
    if !["", "identity"].contains(&encoding.as_str()) {
        return unreadable(&format!(
            "UnsupportedMediaTypeError: unsupported content encoding \"{encoding}\""
        ));
    }
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    let charset = charset
        .unwrap_or("utf-8")
        .trim_matches('"')
        .to_ascii_lowercase();
    if !charset.starts_with("utf-") {
        let charset = charset.to_ascii_uppercase();
        return unreadable(&format!(
            "UnsupportedMediaTypeError: unsupported charset \"{charset}\""
        ));
    }
    if received.is_too_long {
        return unreadable("PayloadTooLargeError: request entity too large");
    }
    if !is_json {
        return Ok(empty());
    }
    json(&received.bytes)
}

/// Whether the router takes a request that may change something.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE.as_str()).starts_with("application/json")
}

fn json(bytes: &[u8]) -> Result<Value, Unreadable> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.is_empty() {
        return Ok(empty());
    }
    let first = text
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .chars()
        .next();
    if let Some(first) = first.filter(|first| !['{', '['].contains(first)) {
        return unexpected(first, text.find(first).unwrap_or_default());
    }
    serde_json::from_str(text).or_else(|error| {
        let at = position(text, &error);
        match text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(token) => unexpected(token, at),
            None => unreadable("SyntaxError: Unexpected end of JSON input"),
        }
    })
}

/// Where the parser stopped, in bytes from the start.
fn position(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let before = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let before: usize = before.map(str::len).sum();
    before.saturating_add(error.column().saturating_sub(1))
}

fn unexpected(token: char, at: usize) -> Result<Value, Unreadable> {
    unreadable(&format!(
        "SyntaxError: Unexpected token {token} in JSON at position {at}"
    ))
}

fn unreadable(error: &str) -> Result<Value, Unreadable> {
    Err(Unreadable {
        stack: format!("{error}\n    at Layer.handle (express)"),
    })
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn first_line(text: &str) -> String {
        let stack = json(text.as_bytes()).unwrap_err().stack;
        stack.lines().next().unwrap().to_owned()
    }

    #[test]
    fn malformed_json_is_a_syntax_error_of_node() {
        for (text, error) in [
            (
                "{\"a\":}",
                "SyntaxError: Unexpected token } in JSON at position 5",
            ),
            (
                "{\n\"a\" 1}",
                "SyntaxError: Unexpected token 1 in JSON at position 6",
            ),
            (
                " 5",
                "SyntaxError: Unexpected token 5 in JSON at position 1",
            ),
            (
                "\"text\"",
                "SyntaxError: Unexpected token \" in JSON at position 0",
            ),
            ("{\"a\":", "SyntaxError: Unexpected end of JSON input"),
            ("  ", "SyntaxError: Unexpected end of JSON input"),
        ] {
            assert_eq!(first_line(text), error, "{text}");
        }
    }

    #[test]
    fn nothing_is_an_empty_object_and_bytes_that_are_no_text_are_replaced() {
        assert_eq!(json(b"").unwrap(), json!({}));
        assert_eq!(json(b"{\"a\":\"\xff\"}").unwrap(), json!({"a": "\u{fffd}"}));
    }
}
