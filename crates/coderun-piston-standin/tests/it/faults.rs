//! Each fault as a plain HTTP client sees it.

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use coderun_domain::ByteSize;
use coderun_piston_standin::{Endpoint, Fault, RetryAfter, Turn};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Asked, SOON, fixed, program};

/// What `/execute` answers that meets this fault.
async fn answer(fault: Fault) -> (Asked, Response) {
    let asked = fixed().await;
    asked.standin.fail_next(Endpoint::Execute, [fault]);
    let response = asked.request(&program("python", "")).send().await.unwrap();
    (asked, response)
}

async fn body(fault: Fault) -> Vec<u8> {
    let (_asked, response) = answer(fault).await;
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

async fn value(fault: Fault) -> Value {
    serde_json::from_slice(&body(fault).await).unwrap()
}

/// Whether somewhere in the chain the connection was reset.
fn is_reset(error: &reqwest::Error) -> bool {
    let chain = std::iter::successors(error.source(), |error| (*error).source());
    let mut io = chain.filter_map(|error| error.downcast_ref::<std::io::Error>());
    io.any(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn statuses_have_their_bodies() {
    let absent = RetryAfter::Absent;
    for (fault, status, content_type, start) in [
        (Fault::BadRequest, 400, "application/json", "{\"message\":"),
        (
            Fault::Unauthorized,
            401,
            "application/json",
            "{\"message\":",
        ),
        (
            Fault::NotFound,
            404,
            "application/json",
            "{\"message\":\"Not Found\"}",
        ),
        (
            Fault::UnsupportedMediaType,
            415,
            "application/json",
            "{\"message\":\"requests must",
        ),
        (
            Fault::TooManyRequests(absent.clone()),
            429,
            "application/json",
            "{\"message\":",
        ),
        (Fault::BadGateway, 502, "text/html", "<html>"),
        (
            Fault::ServiceUnavailable(absent),
            503,
            "text/html",
            "<html>",
        ),
        (Fault::HtmlPage, 200, "text/html", "<html>"),
    ] {
        let (asked, response) = answer(fault.clone()).await;
        assert_eq!(response.status().as_u16(), status, "{fault:?}");
        let given = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(given.starts_with(content_type), "{fault:?}: {given}");
        assert!(!response.headers().contains_key("retry-after"), "{fault:?}");
        let body = response.text().await.unwrap();
        assert!(body.starts_with(start), "{fault:?}: {body}");
        assert_eq!(asked.standin.executions_begun(), 0);
    }
}

#[tokio::test]
async fn an_unforeseen_error_has_no_body() {
    let (_asked, response) = answer(Fault::InternalServerError).await;
    assert_eq!(response.status(), 500);
    assert!(!response.headers().contains_key("content-type"));
    assert_eq!(response.bytes().await.unwrap(), "");
}

#[tokio::test]
async fn when_to_come_back_is_told_in_each_form() {
    let day = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
    for (retry_after, header) in [
        (RetryAfter::Seconds(30), "30"),
        (RetryAfter::Date(day), "Fri, 15 Jan 2027 08:00:00 GMT"),
        (RetryAfter::Text("soon".to_owned()), "soon"),
    ] {
        let (_asked, limited) = answer(Fault::TooManyRequests(retry_after.clone())).await;
        assert_eq!(limited.headers()["retry-after"], header);
        let (_asked, unavailable) = answer(Fault::ServiceUnavailable(retry_after)).await;
        assert_eq!(unavailable.headers()["retry-after"], header);
    }
}

#[tokio::test]
async fn a_body_may_be_empty_or_half() {
    assert_eq!(body(Fault::EmptyBody).await, b"");
    let half = body(Fault::TruncatedJson).await;
    assert!(half.starts_with(b"{\"run\":{"));
    assert!(serde_json::from_slice::<Value>(&half).is_err());
}

#[tokio::test]
async fn json_may_have_other_types_or_miss_fields() {
    let wrong = value(Fault::WrongTypes).await;
    assert_eq!(wrong["run"]["stdout"], 7);
    assert_eq!(wrong["run"]["code"], "seven");
    assert_eq!(wrong["run"]["signal"], json!([]));
    assert_eq!(wrong["language"], 7);
    let missing = value(Fault::MissingFields).await;
    assert_eq!(
        missing,
        json!({"run": {}, "language": "python", "version": "3.12.0"})
    );
}

#[tokio::test]
async fn bytes_may_be_no_text() {
    let body = body(Fault::InvalidUtf8).await;
    let bad = std::str::from_utf8(&body).unwrap_err().valid_up_to();
    assert_eq!(body[bad], 0xff);
    let good = [&body[..bad], &body[bad + 1..]].concat();
    assert!(serde_json::from_slice::<Value>(&good).is_ok());
}

#[tokio::test]
async fn a_body_may_be_huge_and_of_unknown_length() {
    let (_asked, response) = answer(Fault::HugeBody(ByteSize::from_mib(50))).await;
    assert_eq!(response.content_length(), None);
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(body["run"]["stdout"].as_str().unwrap().len(), 50 << 20);
}

#[tokio::test]
async fn a_connection_may_be_reset_before_the_answer() {
    let asked = fixed().await;
    asked.standin.fail_next(Endpoint::Execute, [Fault::Reset]);
    let error = asked
        .request(&program("python", ""))
        .send()
        .await
        .unwrap_err();
    assert!(is_reset(&error), "{error:?}");
    assert_eq!(asked.standin.executions_begun(), 0);
}

#[tokio::test]
async fn a_connection_may_be_reset_in_the_answer() {
    let (_asked, mut response) = answer(Fault::ResetInBody).await;
    assert_eq!(response.status(), 200);
    let length = usize::try_from(response.content_length().unwrap()).unwrap();
    let mut read = 0;
    let error = loop {
        match response.chunk().await {
            Ok(piece) => read += piece.expect("the end is an error").len(),
            Err(error) => break error,
        }
    };
    assert_eq!(read, length / 2);
    assert!(is_reset(&error), "{error:?}");
}

#[tokio::test]
async fn an_answer_may_never_come() {
    let asked = fixed().await;
    asked.standin.fail_next(Endpoint::Execute, [Fault::Hang]);
    let body = program("python", "");
    let hanging = asked.begin(&body);
    while asked.standin.requests("/api/v2/execute") < 1 {
        asked.get("/").await;
    }
    assert_eq!(asked.execute(&body).await.0, 200);
    assert!(!hanging.is_finished());
    hanging.abort();
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let (_asked, mut response) = answer(Fault::SlowBody(Duration::from_millis(1))).await;
    let mut pieces = Vec::new();
    while let Some(piece) = timeout(SOON, response.chunk()).await.unwrap().unwrap() {
        pieces.push(piece);
    }
    // A client that is held up may find several at once.
    assert!(pieces.len() > 9, "{}", pieces.len());
    let body: Value = serde_json::from_slice(&pieces.concat()).unwrap();
    assert_eq!(body["run"]["code"], 0);
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_program_was_run() {
    let asked = fixed().await;
    let turn = Turn::AfterRun(Fault::Reset);
    asked.standin.fail_next(Endpoint::Execute, [turn]);
    let error = asked
        .request(&program("python", ""))
        .send()
        .await
        .unwrap_err();
    assert!(is_reset(&error), "{error:?}");
    assert_eq!(asked.standin.executions_ended(), 1);
}

#[tokio::test]
async fn a_script_is_for_one_endpoint_and_then_all_is_good() {
    let asked = fixed().await;
    let turns = [
        Fault::BadGateway.into(),
        Turn::Good,
        Fault::InternalServerError.into(),
    ];
    asked.standin.fail_next(Endpoint::Execute, turns);
    asked
        .standin
        .fail_always(Endpoint::Packages, Fault::BadGateway);
    assert_eq!(asked.get("/api/v2/runtimes").await.0, 200);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let response = asked.request(&program("python", "")).send().await.unwrap();
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [502, 200, 500, 200]);
    for _ in 0..2 {
        assert_eq!(asked.get("/api/v2/packages").await.0, 502);
    }
    asked.standin.recover();
    assert_eq!(asked.get("/api/v2/packages").await.0, 200);
}
