//! What each fault makes of a good answer.

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Delivery};
use crate::Fault;

impl Answer {
    /// The answer that a fault makes of this one.
    pub(crate) fn spoilt(self, fault: &Fault) -> Self {
        match fault {
            Fault::BadRequest => Self::message(StatusCode::BAD_REQUEST, "this is a fault"),
            Fault::Unauthorized => Self::message(StatusCode::UNAUTHORIZED, "this is a fault"),
            Fault::NotFound => Self::message(StatusCode::NOT_FOUND, "Not Found"),
            Fault::UnsupportedMediaType => Self::message(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "requests must be of type application/json",
            ),
            Fault::TooManyRequests(retry_after) => Self {
                retry_after: retry_after.header(),
                ..Self::message(StatusCode::TOO_MANY_REQUESTS, "this is a fault")
            },
            Fault::InternalServerError => Self::failure(),
            Fault::BadGateway => Self::page(StatusCode::BAD_GATEWAY),
            Fault::ServiceUnavailable(retry_after) => Self {
                retry_after: retry_after.header(),
                ..Self::page(StatusCode::SERVICE_UNAVAILABLE)
            },
            Fault::HtmlPage => Self::page(StatusCode::OK),
            Fault::Reset => self.delivered(Delivery::Reset),
            Fault::ResetInBody => self.delivered(Delivery::ResetInBody),
            Fault::Hang => self.delivered(Delivery::Never),
            Fault::SlowBody(pause) => self.delivered(Delivery::Slow(*pause)),
            Fault::HugeBody(size) => self.delivered(Delivery::Huge(*size)),
            Fault::EmptyBody => self.with_body(Bytes::new()),
            Fault::TruncatedJson => {
                let half = self.body.slice(..self.body.len() / 2);
                self.with_body(half)
            }
            Fault::WrongTypes => self.with_value(swapped),
            Fault::MissingFields => self.with_value(emptied),
            Fault::InvalidUtf8 => {
                let body = with_bad_byte(&self.body);
                self.with_body(body)
            }
        }
    }

    fn delivered(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    fn with_body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    fn with_value(self, change: fn(Value) -> Value) -> Self {
        let value = serde_json::from_slice(&self.body).unwrap_or_default();
        Self::json(self.status, &change(value))
    }
}

/// Numbers for texts, texts for numbers, lists for nothing.
fn swapped(value: Value) -> Value {
    match value {
        Value::Null => json!([]),
        Value::String(_) => json!(7),
        Value::Bool(_) | Value::Number(_) => json!("seven"),
        Value::Array(list) => list.into_iter().map(swapped).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, swapped(value)))
            .collect(),
    }
}

/// The same without the fields of the innermost objects.
fn emptied(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(emptied).collect(),
        Value::Object(fields) if fields.values().any(Value::is_object) => fields
            .into_iter()
            .map(|(name, value)| (name, emptied(value)))
            .collect(),
        Value::Object(_) => Value::Object(Map::new()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// The same with a byte that is no UTF-8 at the start of the first text that is a value.
fn with_bad_byte(body: &Bytes) -> Bytes {
    let start = body.windows(2).position(|pair| pair == b":\"");
    let (before, after) = body.split_at(start.map_or(0, |start| start + 2));
    [before, b"\xff", after].concat().into()
}
