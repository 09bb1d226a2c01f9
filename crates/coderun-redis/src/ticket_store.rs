//! Implements [`TicketStore`] with a hash of ticket digests beside the record.
//!
//! A ticket is used up even if the reply to its redemption is lost: a retry finds none.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, StorePolicy, TicketDigest, TicketError, TicketStore};
use coderun_record::{decode_admission, duration_micros, encode_admission};
use serde::Deserialize;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::layout::hex;
use crate::step::{Script, Step};

/// The ticket store of a backend.
#[derive(Debug)]
pub(crate) struct RedisTicketStore(pub(crate) Arc<Client>);

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

#[async_trait]
impl TicketStore for RedisTicketStore {
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let issuing = async {
            let header = (
                "issue",
                id.to_string(),
                (),
                hex(ticket.as_bytes()),
                encode_admission(admission),
                duration_micros(lifetime),
                StorePolicy::TICKETS_MAX,
            );
            match self.0.run(id, Script::Rare, Step::new(&header)?).await? {
                IssueAnswer::Issued => Ok(()),
                IssueAnswer::Absent => Err(TicketError::Absent),
                IssueAnswer::TooMany(wait) => Err(TicketError::TooMany {
                    retry_after: Duration::from_micros(wait),
                }),
            }
        };
        self.0.timed("issue_ticket", issuing).await
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        let redeeming = async {
            let step = Step::new(&("redeem", id.to_string(), (), hex(ticket.as_bytes())))?;
            let RedeemAnswer::Admitted(admission) = self.0.run(id, Script::Rare, step).await?
            else {
                return Ok(None);
            };
            let admission = decode_admission(&admission).map(Some);
            admission.map_err(|error| AdapterError::of_record(id, error))
        };
        self.0.timed("redeem_ticket", redeeming).await
    }
}
