//! Reads JSON bodies within bounds of size, time and depth.

mod json_error;
mod json_text;
mod lenient;
mod unknown_fields;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use coderun_domain::{ByteSize, UserId};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::headers::text;
use crate::memory_budget::BudgetPermit;
use crate::problem::Problem;
use crate::state::AppState;

use json_error::{malformed, not_an_object};
pub(crate) use lenient::{Entries, Faults, FromJson, Lenient, json_objects};
pub(crate) use unknown_fields::{UnknownFields, UnknownFieldsOf};

/// What a body that arrives slowly occupies at least, with its connection.
const SLOW_BODY_MIN_BYTES: usize = 64 << 10;

/// A longer body is parsed off the event loop, where it would hold up others for some milliseconds.
const INLINE_MAX_BYTES: usize = 128 << 10;

/// What parsing such a body occupies for each of its bytes: with its text and its fields.
const PARSING_FACTOR: usize = 4;

/// Reads the body of a request as one JSON object, and the names of its fields that `T` does not have.
///
/// # Errors
/// 415 for another media type, 413 above the size limit, 429 or 503 without memory for it, 408 after the timeout, 400 for
/// malformed JSON and 422 for JSON that is no object.
pub(crate) async fn read_json<T: FromJson + Send + 'static>(
    headers: &HeaderMap,
    payload: Payload,
    state: &AppState,
    user: &UserId,
) -> Result<(T, UnknownFields), Problem> {
    let config = &state.config;
    check_media_type(headers)?;
    let announced = announced_length(headers);
    if announced.is_some_and(|length| length > config.body_max.as_bytes()) {
        return Err(too_large(config.body_max));
    }
    let reading = read_in_budget(payload, announced, state, user);
    let body = tokio::time::timeout(config.timeouts.request_body, reading)
        .await
        .map_err(|_| {
            let detail = "The request body did not arrive in time";
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
        })?;
    let (body, permit) = body?;
    if body.len() <= INLINE_MAX_BYTES {
        return parse(&body);
    }
    let budget = &state.parsing_budget;
    let parsing_permit = budget.acquire(user, PARSING_FACTOR * body.len()).await?;
    let parsing = tokio::task::spawn_blocking(move || {
        let parsed = parse(&body);
        drop((body, permit, parsing_permit));
        parsed
    });
    parsing
        .await
        .map_err(|error| Problem::bug().with_source(error))?
}

/// Reads a body. One that has not arrived with its head needs memory of the budget.
async fn read_in_budget(
    payload: Payload,
    announced: Option<u64>,
    state: &AppState,
    user: &UserId,
) -> Result<(Bytes, Option<BudgetPermit>), Problem> {
    let max = state.config.body_max;
    let mut reading = pin!(read(payload, max));
    if let Some(body) = poll_twice(reading.as_mut()).await {
        return Ok((body?, None));
    }
    let length = usize::try_from(announced.unwrap_or(max.as_bytes())).unwrap_or(usize::MAX);
    let acquiring = state
        .body_budget
        .acquire(user, length.max(SLOW_BODY_MIN_BYTES));
    let permit = acquiring.await?;
    Ok((reading.await?, Some(permit)))
}

/// The output of a future that is ready when it is polled once or twice. actix polls a handler as soon as it has the head, and
/// again when it has looked at the rest of what it has received.
async fn poll_twice<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut is_first = true;
    poll_fn(|cx| match future.poll_unpin(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if std::mem::take(&mut is_first) => Poll::Pending,
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding.as_bytes() != b"identity");
    let is_other = headers.contains_key(header::CONTENT_TYPE)
        && !text(headers, header::CONTENT_TYPE).is_some_and(is_json);
    if encoded || is_other {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be application/json in UTF-8, without a content encoding",
        ));
    }
    Ok(())
}

/// Whether a content type is `application/json` or ends with `+json`, in UTF-8 if it names a charset.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let json = essence.eq_ignore_ascii_case("application/json") || {
        let essence = essence.to_ascii_lowercase();
        essence.starts_with("application/") && essence.ends_with("+json")
    };
    json && parts
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, header::CONTENT_LENGTH)?.parse().ok()
}

/// Reads all pieces. Unlike `to_bytes_limited` of actix, which begins with 32 KiB, this takes as much memory as there is body.
async fn read(mut payload: Payload, max: ByteSize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| {
            let detail = "The request body ended early or could not be read";
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?;
        body.extend_from_slice(&piece);
        if ByteSize::of(&body) > max {
            return Err(too_large(max));
        }
    }
    Ok(body.freeze())
}

fn too_large(max: ByteSize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("The request body must be at most {max}"),
    )
}

fn parse<T: FromJson>(body: &[u8]) -> Result<(T, UnknownFields), Problem> {
    let text = json_text::prepare(body)?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let mut unknown = UnknownFields::default();
    let parsed = serde_ignored::deserialize(&mut json, |path| unknown.note(&path));
    // Fields of any type are taken, so the syntax is all that the parser finds wrong itself.
    let parsed = parsed.map_err(|error| malformed(&error))?;
    json.end().map_err(|error| malformed(&error))?;
    match parsed {
        Lenient::Given(fields) => Ok((fields, unknown)),
        Lenient::Absent | Lenient::Null | Lenient::Mistyped | Lenient::Repeated => {
            Err(not_an_object())
        }
    }
}

#[cfg(test)]
mod tests;
