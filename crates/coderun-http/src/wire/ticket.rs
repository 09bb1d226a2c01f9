//! Encodes a one-time ticket.

use coderun_app::IssuedTicket;
use serde::Serialize;

/// The answer to a request for a ticket.
#[derive(Serialize)]
pub(crate) struct TicketAnswer<'a> {
    ticket: &'a str,
    /// In seconds.
    expires_in: u64,
}

impl<'a> From<&'a IssuedTicket> for TicketAnswer<'a> {
    fn from(issued: &'a IssuedTicket) -> Self {
        Self {
            ticket: &issued.ticket,
            expires_in: issued.expires_in.as_secs(),
        }
    }
}
