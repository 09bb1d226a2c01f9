//! From refusals of watchers and of tickets to problems.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use coderun_app::TicketIssueError;
use coderun_domain::{FailureKind, TicketError};

use super::Problem;
use super::failures::RETRY_AFTER;
use crate::authentication::challenge;
use crate::watching::{AdmissionError, Crowded};

impl From<AdmissionError> for Problem {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Verify(error) => challenge(error),
            AdmissionError::TooLong => Self::of_kind(FailureKind::Overloaded),
            AdmissionError::BadTicket => bad_ticket(),
            AdmissionError::Ticket(error) => error.into(),
            AdmissionError::Crowded(crowded) => crowded.into(),
        }
    }
}

impl From<Crowded> for Problem {
    fn from(crowded: Crowded) -> Self {
        let (kind, detail) = match crowded {
            Crowded::All => (FailureKind::Overloaded, "Too many sockets are open"),
            Crowded::User => (
                FailureKind::RateLimited,
                "Too many of your sockets are open",
            ),
        };
        Self::failed(kind, detail).with_retry_after(RETRY_AFTER)
    }
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Self {
        let kind = error.kind();
        let problem = match &error {
            TicketError::TooMany { retry_after } => {
                let detail = "Too many tickets for this execution are unused";
                Self::failed(kind, detail).with_retry_after(*retry_after)
            }
            TicketError::Absent | TicketError::Unavailable { .. } => Self::of_kind(kind),
        };
        problem.with_source(error)
    }
}

impl From<TicketIssueError> for Problem {
    fn from(error: TicketIssueError) -> Self {
        match error {
            TicketIssueError::Access(error) => error.into(),
            TicketIssueError::Ticket(error) => error.into(),
        }
    }
}

fn bad_ticket() -> Problem {
    let detail = "The ticket is not good, or not any more";
    Problem::new(StatusCode::UNAUTHORIZED, detail)
        .with_reason("ticket")
        .with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer error=\"invalid_token\""),
        )
}
