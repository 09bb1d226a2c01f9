//! Watches one execution for a WebSocket or an event stream: admission, messages, timers and the end.
//!
//! Both send the same messages, because both read them from a [`Feed`].

mod admission;
mod feed;
mod queue_progress;
mod subscription;
mod timers;

pub(crate) use admission::{AdmissionError, admit, verify};
pub(crate) use feed::{Dialect, Feed, WatchMessage};
pub(crate) use subscription::{Subscription, subscribe};
