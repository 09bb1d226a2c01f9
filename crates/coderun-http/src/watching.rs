//! Watches executions for sockets, event streams and long polls: one [`Feed`](feed::Feed) an execution, shared by all watchers.
//!
//! A feed has one subscription of the `Notifier`. Its writer encodes every event once and keeps the recent ones in a bounded
//! log; each watcher reads the log at its own pace and, where it has fallen behind the log, the stored events by itself.

mod admission;
mod feed;
mod feed_reader;
mod feed_writer;
mod feeds;
mod message;
mod queue_progress;
mod timers;
mod watcher;

pub(crate) use admission::{AdmissionError, admit, verify};
pub(crate) use feed::Dialect;
pub(crate) use feed_reader::{FeedItem, FeedReader};
pub(crate) use feeds::Feeds;
pub(crate) use message::EncodedMessage;
pub(crate) use watcher::{WatchMessage, WatchRequest, Watcher};

#[cfg(test)]
mod tests;
