//! The [`TicketStore`] side of the backend: a hash beside the record, with the digests of tickets.
//!
//! A ticket whose taking was answered and not heard is used up: the same call again finds none.

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, StorePolicy, TicketDigest, TicketError, TicketStore};
use coderun_record::{decode_admission, duration_micros, encode_admission};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
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
        self.timed("issue_ticket", async {
            let arguments = Arguments::default()
                .text(id.to_string())
                .text(name(ticket))
                .text(encode_admission(admission))
                .number(duration_micros(lifetime))
                .number(u64::try_from(StorePolicy::TICKETS_MAX).unwrap_or(u64::MAX));
            let script = &self.scripts().issue;
            let mut reply = self.step_on(id, script, arguments).await?;
            match reply.word() {
                "issued" => Ok(()),
                "absent" => Err(TicketError::Absent),
                "too_many" => {
                    let micros = reply.number().map_err(AdapterError::from)?;
                    let retry_after = Duration::from_micros(micros);
                    Err(TicketError::TooMany { retry_after })
                }
                _ => Err(AdapterError::from(UnexpectedReply).into()),
            }
        })
        .await
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        self.timed("redeem_ticket", async {
            Ok(self.redeem_step(id, ticket).await?)
        })
        .await
    }
}

impl RedisBackend {
    async fn redeem_step(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, AdapterError> {
        let arguments = Arguments::default().text(id.to_string()).text(name(ticket));
        let script = &self.scripts().redeem;
        let mut reply = self.step_on(id, script, arguments).await?;
        match reply.word() {
            "absent" => Ok(None),
            "admitted" => decode_admission(&reply.text()?)
                .map(Some)
                .map_err(|error| AdapterError::of_record(id, error)),
            _ => Err(UnexpectedReply.into()),
        }
    }
}

/// A ticket's name among those of its execution.
fn name(ticket: TicketDigest) -> String {
    let bytes = ticket.as_bytes().iter();
    bytes.fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
