//! The names of faults on the command line.

use std::str::FromStr;
use std::time::Duration;

use coderun_domain::ByteSize;

use crate::{Fault, RetryAfter, Turn};

/// A text that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no fault: take `good`, or one of bad-request, unauthorized, not-found, unsupported-media-type, \
     too-many-requests[:SECONDS], internal-server-error, bad-gateway, service-unavailable[:SECONDS], empty-body, \
     html-page, truncated-json, wrong-types, missing-fields, invalid-utf8, huge-body[:BYTES], reset, reset-in-body, \
     hang, slow-body[:MILLISECONDS_A_BYTE], each with `after-run:` before it if the program is to be run"
)]
pub struct UnknownFault {
    /// The text.
    pub text: String,
}

impl FromStr for Turn {
    type Err = UnknownFault;

    /// Reads `good`, `reset` or `after-run:reset`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "good" {
            return Ok(Self::Good);
        }
        match text.strip_prefix("after-run:") {
            Some(fault) => fault.parse().map(Self::AfterRun),
            None => text.parse().map(Self::Instead),
        }
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads names such as `reset` or `too-many-requests:30`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownFault {
            text: text.to_owned(),
        };
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse().map_err(|_| unknown())?)),
            None => (text, None),
        };
        without_number(name)
            .filter(|_| number.is_none())
            .or_else(|| with_number(name, number))
            .ok_or_else(unknown)
    }
}

fn without_number(name: &str) -> Option<Fault> {
    Some(match name {
        "bad-request" => Fault::BadRequest,
        "unauthorized" => Fault::Unauthorized,
        "not-found" => Fault::NotFound,
        "unsupported-media-type" => Fault::UnsupportedMediaType,
        "internal-server-error" => Fault::InternalServerError,
        "bad-gateway" => Fault::BadGateway,
        "empty-body" => Fault::EmptyBody,
        "html-page" => Fault::HtmlPage,
        "truncated-json" => Fault::TruncatedJson,
        "wrong-types" => Fault::WrongTypes,
        "missing-fields" => Fault::MissingFields,
        "invalid-utf8" => Fault::InvalidUtf8,
        "reset" => Fault::Reset,
        "reset-in-body" => Fault::ResetInBody,
        "hang" => Fault::Hang,
        _ => return None,
    })
}

fn with_number(name: &str, number: Option<u64>) -> Option<Fault> {
    let retry_after = number.map_or(RetryAfter::Absent, RetryAfter::Seconds);
    Some(match name {
        "too-many-requests" => Fault::TooManyRequests(retry_after),
        "service-unavailable" => Fault::ServiceUnavailable(retry_after),
        "huge-body" => Fault::HugeBody(number.map_or(ByteSize::from_mib(50), ByteSize::from_bytes)),
        "slow-body" => Fault::SlowBody(Duration::from_millis(number.unwrap_or(100))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_numbers() {
        let read = |text: &str| text.parse::<Turn>();
        assert_eq!(read("good"), Ok(Turn::Good));
        assert_eq!(read("reset"), Ok(Turn::Instead(Fault::Reset)));
        assert_eq!(read("after-run:reset"), Ok(Turn::AfterRun(Fault::Reset)));
        let retry = Fault::TooManyRequests(RetryAfter::Seconds(30));
        assert_eq!(read("too-many-requests:30"), Ok(retry.into()));
        let huge = Fault::HugeBody(ByteSize::from_mib(50));
        assert_eq!(read("huge-body"), Ok(huge.into()));
        for text in ["", "rest", "reset:5", "huge-body:x", "after-run:good"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_name_in_the_help_is_one() {
        let help = UnknownFault {
            text: String::new(),
        }
        .to_string();
        let (_, list) = help.split_once("one of ").unwrap();
        let (list, _) = list.split_once(", each with").unwrap();
        for name in list.split(", ") {
            let name = name.split_once('[').map_or(name, |(name, _)| name);
            assert!(name.parse::<Fault>().is_ok(), "{name}");
        }
    }
}
