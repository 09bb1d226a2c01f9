//! Ways in which a server, or what stands before it, misbehaves.

use std::time::{Duration, SystemTime};

use coderun_domain::ByteSize;

/// What one request meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// A good answer.
    Good,
    /// The fault instead of the work: no program is run.
    Instead(Fault),
    /// The fault after the work: the program was run, and its answer is spoilt or lost.
    AfterRun(Fault),
}

impl From<Fault> for Turn {
    /// The fault instead of the work.
    fn from(fault: Fault) -> Self {
        Self::Instead(fault)
    }
}

/// A way to misbehave. Those that spoil a good answer take a made-up one where no program was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 400 with a message.
    BadRequest,
    /// 401 with a message.
    Unauthorized,
    /// 404 with a message.
    NotFound,
    /// 415 with a message.
    UnsupportedMediaType,
    /// 429 with a message.
    TooManyRequests(RetryAfter),
    /// 500 without a body: what Piston answers to everything it did not foresee.
    InternalServerError,
    /// 502 with a page of HTML.
    BadGateway,
    /// 503 with a page of HTML.
    ServiceUnavailable(RetryAfter),
    /// 200 without a body.
    EmptyBody,
    /// 200 with a page of HTML.
    HtmlPage,
    /// 200 with the first half of the JSON, as if it were all.
    TruncatedJson,
    /// 200 with numbers for texts and the other way round.
    WrongTypes,
    /// 200 with the innermost objects empty.
    MissingFields,
    /// 200 with a byte in the first text that is no UTF-8.
    InvalidUtf8,
    /// 200 with so much stdout, of a length that is not announced.
    HugeBody(ByteSize),
    /// The connection is reset before the answer.
    Reset,
    /// The connection is reset after half of a body whose length was announced.
    ResetInBody,
    /// No answer, for as long as the client waits.
    Hang,
    /// A good answer of which each byte comes after this time.
    SlowBody(Duration),
}

/// What an answer says about when to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Absent,
    /// In so many seconds.
    Seconds(u64),
    /// At this time, to the second.
    Date(SystemTime),
    /// This text, whatever it means.
    Text(String),
}

impl RetryAfter {
    /// The value of the header.
    pub(crate) fn header(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Seconds(seconds) => Some(seconds.to_string()),
            Self::Date(time) => Some(httpdate::fmt_http_date(*time)),
            Self::Text(text) => Some(text.clone()),
        }
    }
}
