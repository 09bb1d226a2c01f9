//! Keeps the feeds of this process: one for each execution that is watched.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::web;
use coderun_domain::{Execution, ExecutionId, Sequence};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::feed::{Feed, FeedLog};
use super::feed_writer::FeedWriter;
use crate::state::AppState;

/// A feed that is opened for a watcher who lacks at most this many events begins with them.
const REPLAY_MAX: u64 = 16;

/// The open feeds. A feed is opened by its first watcher and removed with its last, or at its end.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Mutex<HashMap<ExecutionId, Arc<Feed>>>);

impl Feeds {
    /// Joins the feed of an execution that the watcher was allowed to read, or opens it for what comes after `since`. The feed
    /// stays open for as long as the log has a receiver.
    pub(super) fn join(
        state: &web::Data<AppState>,
        execution: &Execution,
        since: Sequence,
    ) -> (Arc<Feed>, watch::Receiver<FeedLog>) {
        let mut feeds = state.feeds.0.lock();
        let feed = feeds.entry(execution.id()).or_insert_with(|| {
            let sequence = execution.sequence();
            let lacks = sequence.number().saturating_sub(since.number());
            let start = if lacks <= REPLAY_MAX { since } else { sequence };
            let feed = Arc::new(Feed::new(execution, start));
            let writer = FeedWriter::new(state.clone(), Arc::clone(&feed), execution, start);
            state.socket_tasks.spawn(writer.run());
            feed
        });
        (Arc::clone(feed), feed.log.subscribe())
    }

    /// Removes a feed unless it is watched. Returns whether it is removed.
    pub(super) fn remove_unwatched(&self, id: ExecutionId, feed: &Arc<Feed>) -> bool {
        let mut feeds = self.0.lock();
        let is_unwatched = feed.log.receiver_count() == 0;
        if is_unwatched {
            remove(&mut feeds, id, feed);
        }
        is_unwatched
    }

    /// Removes a feed that has ended. The next watcher opens a new one.
    pub(super) fn remove(&self, id: ExecutionId, feed: &Arc<Feed>) {
        remove(&mut self.0.lock(), id, feed);
    }
}

/// Removes this feed, but not one that was opened after it.
fn remove(feeds: &mut HashMap<ExecutionId, Arc<Feed>>, id: ExecutionId, feed: &Arc<Feed>) {
    if feeds.get(&id).is_some_and(|open| Arc::ptr_eq(open, feed)) {
        feeds.remove(&id);
    }
}
