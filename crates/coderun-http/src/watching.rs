//! What every way to watch an execution has in common: who is admitted, what there is to tell, and when it is over.
//!
//! A WebSocket and a stream of events tell the same story because both tell what a [`Feed`] says.

mod admission;
mod agenda;
mod feed;
mod place;
mod queue_place;
mod subscription;

pub(crate) use admission::{AdmissionError, admit, verify};
pub(crate) use feed::{Dialect, Feed, FeedSettings, News};
pub(crate) use place::{Crowded, WatcherPlace};
pub(crate) use subscription::{Subscription, subscribe};
