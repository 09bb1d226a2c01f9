//! Implements [`TicketStore`] with a hash of ticket digests beside the record.
//!
//! A ticket is used up even if the reply to its redemption is lost: a retry finds none.

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, StorePolicy, TicketDigest, TicketError, TicketStore};
use coderun_record::{decode_admission, duration_micros, encode_admission};
use serde::Deserialize;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::hex;
use crate::step::Step;

#[async_trait]
impl TicketStore for RedisBackend {
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        self.timed(
            "issue_ticket",
            self.issue_step(id, ticket, admission, lifetime),
        )
        .await
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        self.timed("redeem_ticket", self.redeem_step(id, ticket))
            .await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum IssueAnswer {
    Issued,
    Absent,
    /// The time until a ticket expires, in microseconds.
    TooMany(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RedeemAnswer {
    Admitted(String),
    Absent,
}

impl RedisBackend {
    async fn issue_step(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let header = (
            "issue",
            id.to_string(),
            (),
            hex(ticket.as_bytes()),
            encode_admission(admission),
            duration_micros(lifetime),
            StorePolicy::TICKETS_MAX,
        );
        let step = Step::new(&header)?;
        match self.run_rare(id, step).await? {
            IssueAnswer::Issued => Ok(()),
            IssueAnswer::Absent => Err(TicketError::Absent),
            IssueAnswer::TooMany(wait) => Err(TicketError::TooMany {
                retry_after: Duration::from_micros(wait),
            }),
        }
    }

    async fn redeem_step(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, AdapterError> {
        let step = Step::new(&("redeem", id.to_string(), (), hex(ticket.as_bytes())))?;
        match self.run_rare(id, step).await? {
            RedeemAnswer::Absent => Ok(None),
            RedeemAnswer::Admitted(admission) => decode_admission(&admission)
                .map(Some)
                .map_err(|error| AdapterError::of_record(id, error)),
        }
    }
}
