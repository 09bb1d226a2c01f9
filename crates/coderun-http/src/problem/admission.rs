//! Maps refused admissions, tickets and large answers to problems.

use actix_web::http::StatusCode;
use coderun_app::TicketIssueError;
use coderun_domain::{FailureKind, TicketError};

use super::Problem;
use super::failures::RETRY_AFTER;
use crate::exhausted_quota::ExhaustedQuota;
use crate::large_answers::LargeAnswerError;
use crate::memory_budget::BudgetExhausted;
use crate::socket_registry::SocketLimitReached;
use crate::watching::AdmissionError;

impl From<AdmissionError> for Problem {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Verify(error) => error.into(),
            AdmissionError::TimedOut => Self::of_kind(FailureKind::Overloaded),
            AdmissionError::InvalidTicket => {
                let detail = "This ticket is invalid, already used or expired";
                Self::new(StatusCode::UNAUTHORIZED, detail)
                    .with_reason("ticket")
                    .with_challenge("Bearer error=\"invalid_token\"")
            }
            AdmissionError::Ticket(error) => error.into(),
            AdmissionError::SocketLimit(limit) => limit.into(),
        }
    }
}

impl From<SocketLimitReached> for Problem {
    fn from(limit: SocketLimitReached) -> Self {
        match limit {
            SocketLimitReached::Total => {
                let detail = "Too many sockets are open, try again later";
                Self::failed(FailureKind::Overloaded, detail).with_retry_after(RETRY_AFTER)
            }
            SocketLimitReached::PerUser { limit } => {
                let detail = "Too many of your sockets are open, close one first";
                Self::exhausted(ExhaustedQuota::of_sockets(limit), RETRY_AFTER, detail)
            }
        }
    }
}

impl From<BudgetExhausted> for Problem {
    fn from(error: BudgetExhausted) -> Self {
        let problem = match error {
            BudgetExhausted::PerUser { share } => {
                let detail = "Too many of your large requests and answers are on their way, finish some first";
                Self::exhausted(ExhaustedQuota::of_memory(share), RETRY_AFTER, detail)
            }
            BudgetExhausted::Total => Self::of_kind(error.kind()),
        };
        problem.with_source(error)
    }
}

impl From<LargeAnswerError> for Problem {
    fn from(error: LargeAnswerError) -> Self {
        match error {
            LargeAnswerError::Budget(error) => error.into(),
            LargeAnswerError::Encoding(_) => Self::of_kind(error.kind()).with_source(error),
        }
    }
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Self {
        let problem = match &error {
            TicketError::TooMany { retry_after } => {
                let detail = "Too many tickets for this execution are unused, use one or wait";
                let quota = ExhaustedQuota::of_tickets(*retry_after);
                Self::exhausted(quota, *retry_after, detail)
            }
            TicketError::Absent | TicketError::Unavailable { .. } => Self::of_kind(error.kind()),
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
