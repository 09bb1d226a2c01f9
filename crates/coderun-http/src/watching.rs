//! Watches executions for sockets, event streams and long polls: one [`Feed`](feed::Feed) an execution, shared by all watchers.
//!
//! A feed has one subscription of the `Notifier`, and a bounded log of recent events, each encoded once. A watcher reads the
//! log at its own pace. At the end of the log, the first watcher that runs reads the subscription on behalf of all; one that
//! has fallen behind the log reads the stored events by itself.

mod admission;
mod feed;
mod feed_log;
mod feed_reader;
mod feed_source;
mod message;
mod queue_progress;
mod timers;
mod watcher;

pub(crate) use admission::{AdmissionError, admit, verify};
pub(crate) use feed::Feeds;
pub(crate) use feed_log::Dialect;
pub(crate) use feed_reader::FeedReader;
pub(crate) use message::{EncodedMessage, FeedError};
pub(crate) use watcher::{WatchMessage, WatchRequest, Watcher};

#[cfg(test)]
pub(crate) mod tests;
