//! Implements [`TicketStore`] with a hash of ticket digests beside the record.
//!
//! A ticket is used up even if the reply to its redemption is lost: a retry finds none.

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, StorePolicy, TicketDigest, TicketError, TicketStore};
use coderun_record::{decode_admission, duration_micros, encode_admission};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::hex;
use crate::reply::UnexpectedReply;
use crate::script::Arguments;

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

impl RedisBackend {
    async fn issue_step(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let arguments = Arguments::default()
            .text(id.to_string())
            .text(hex(ticket.as_bytes()))
            .text(encode_admission(admission))
            .number(duration_micros(lifetime))
            .number(u64::try_from(StorePolicy::TICKETS_MAX).unwrap_or(u64::MAX));
        let script = &self.shared.scripts.issue;
        let mut reply = self.run_step_on(id, script, arguments).await?;
        match reply.word() {
            "issued" => Ok(()),
            "absent" => Err(TicketError::Absent),
            "too_many" => {
                let retry_after = Duration::from_micros(reply.number()?);
                Err(TicketError::TooMany { retry_after })
            }
            _ => Err(UnexpectedReply.into()),
        }
    }

    async fn redeem_step(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, AdapterError> {
        let arguments = Arguments::default()
            .text(id.to_string())
            .text(hex(ticket.as_bytes()));
        let script = &self.shared.scripts.redeem;
        let mut reply = self.run_step_on(id, script, arguments).await?;
        match reply.word() {
            "absent" => Ok(None),
            "admitted" => decode_admission(&reply.text()?)
                .map(Some)
                .map_err(|error| AdapterError::of_record(id, error)),
            _ => Err(UnexpectedReply.into()),
        }
    }
}
