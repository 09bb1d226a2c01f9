//! Defines the wire formats of requests and responses. The domain knows nothing of them.

mod batch;
mod capabilities;
mod client_message;
mod dry_run;
mod enforcement;
mod event;
mod format;
mod health;
mod languages;
mod limits;
mod list;
mod record;
mod sign_in;
mod submission;
mod ticket;
mod usage;

pub(crate) use batch::{BatchAnswer, BatchEntry, BatchRequest, SUBMISSIONS_MAX};
pub(crate) use capabilities::Capabilities;
pub(crate) use client_message::ClientMessage;
pub(crate) use dry_run::DryRunAnswer;
pub(crate) use event::ServerMessage;
pub(crate) use health::{Health, Ready, Root, Verified};
pub(crate) use languages::Languages;
pub(crate) use list::{ExecutionList, decode_cursor};
pub(crate) use record::{Audience, ExecutionRecord, json_bytes_max, text_bytes};
pub(crate) use sign_in::{IssuedToken, SignInRecord};
pub(crate) use submission::{FIELDS, SubmitAnswer, SubmitRequest};
pub(crate) use ticket::TicketAnswer;
pub(crate) use usage::UsageAnswer;

#[cfg(test)]
mod tests;
