//! Shares the events of one execution between its watchers in this process.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use actix_web::web;
use coderun_domain::{Execution, ExecutionId, Sequence, StorePolicy};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::sync::Notify;

use super::feed_log::{Cursor, FeedChange, FeedLog, Next};
use super::feed_source::FeedSource;
use super::message::{EncodedMessage, FeedError};
use crate::state::AppState;

/// A feed that is opened for a watcher who lacks at most this many events begins with them.
const REPLAY_MAX: u64 = 16;

/// The open feeds of this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Feeds(Arc<Mutex<HashMap<FeedKey, Weak<Feed>>>>);

/// Executions may have the same id one after the other, where clients name their submissions by keys. The times of their
/// submissions tell them apart.
type FeedKey = (ExecutionId, OffsetDateTime);

impl Feeds {
    /// Joins the feed of an execution that the watcher was allowed to read, or opens it for what comes after `since`.
    pub(super) fn join(
        state: &web::Data<AppState>,
        execution: &Execution,
        since: Sequence,
    ) -> Arc<Feed> {
        let mut open = state.feeds.0.lock();
        let key = (execution.id(), execution.progress().created_at());
        if let Some(feed) = open.get(&key).and_then(Weak::upgrade) {
            return feed;
        }
        let sequence = execution.sequence();
        let lacks = sequence.number().saturating_sub(since.number());
        let start = if lacks <= REPLAY_MAX { since } else { sequence };
        let feed = Arc::new(Feed::new(state, key, execution, start));
        open.insert(key, Arc::downgrade(&feed));
        feed
    }

    /// Removes this feed, but not one that was opened after it.
    fn remove(&self, key: FeedKey, feed: &Feed) {
        let mut open = self.0.lock();
        let open_feed = open.get(&key).map(Weak::as_ptr);
        if open_feed.is_some_and(|it| std::ptr::eq(it, feed)) {
            open.remove(&key);
        }
    }
}

/// The feed of one execution. Its watchers hold it, so it ends with the last of them.
///
/// It has no task. The source wakes all watchers, because any one of them may be kept from running by its own client. The
/// first that runs reads the source, on behalf of all, and appends what it reads to the log.
pub(super) struct Feed {
    key: FeedKey,
    log: Mutex<FeedLog>,
    source: Mutex<BoxStream<'static, FeedChange>>,
    waker: Waker,
    signal: Arc<FeedSignal>,
    queue_wanted: Arc<Notify>,
    feeds: Feeds,
}

/// Wakes the watchers of a feed.
#[derive(Debug)]
struct FeedSignal {
    watchers: Notify,
    /// Whether the source may have something to read.
    is_source_ready: AtomicBool,
}

impl Wake for FeedSignal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_source_ready.store(true, Ordering::Release);
        self.watchers.notify_waiters();
    }
}

impl Feed {
    fn new(
        state: &web::Data<AppState>,
        key: FeedKey,
        execution: &Execution,
        start: Sequence,
    ) -> Self {
        let signal = Arc::new(FeedSignal {
            watchers: Notify::new(),
            is_source_ready: AtomicBool::new(true),
        });
        let queue_wanted = Arc::<Notify>::default();
        let source = FeedSource::new(state.clone(), execution, start, Arc::clone(&queue_wanted));
        Self {
            key,
            log: Mutex::new(FeedLog::new(execution, start)),
            source: Mutex::new(source.into_changes()),
            waker: Arc::clone(&signal).into(),
            signal,
            queue_wanted,
            feeds: state.feeds.clone(),
        }
    }

    /// The message with the state of the execution as a watcher has read it: encoded once for all who have read the same.
    pub(super) fn snapshot(
        &self,
        execution: &Execution,
        policy: &StorePolicy,
    ) -> Result<EncodedMessage, FeedError> {
        self.log.lock().snapshot(execution, policy)
    }

    /// Tells the feed that a watcher understands queue positions.
    pub(super) fn want_queue_positions(&self) {
        self.queue_wanted.notify_one();
    }

    /// Whether the log continues what a watcher has seen, so that it needs no stored events any more.
    pub(super) fn continues(&self, seen: Sequence) -> bool {
        self.log.lock().continues(seen)
    }

    /// Waits for what comes next for a watcher. Cancel-safe.
    pub(super) async fn next(&self, cursor: &mut Cursor) -> Next {
        loop {
            // Made before the log is read, so that no later change is missed.
            let changed = self.signal.watchers.notified();
            if let Some(next) = self.log.lock().next(cursor) {
                return next;
            }
            if !self.read_source() {
                changed.await;
            }
        }
    }

    /// Appends to the log what the source has. Returns whether there was anything.
    fn read_source(&self) -> bool {
        let is_ready = &self.signal.is_source_ready;
        if !is_ready.load(Ordering::Acquire) {
            return false;
        }
        let mut source = self.source.lock();
        // From here on the source may wake the watchers again.
        if !is_ready.swap(false, Ordering::AcqRel) {
            // Another watcher has read meanwhile.
            return true;
        }
        let mut context = Context::from_waker(&self.waker);
        let polling = || source.poll_next_unpin(&mut context);
        let change = match catch_unwind(AssertUnwindSafe(polling)) {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(change)) => change.unwrap_or(FeedChange::End(Ok(()))),
            Err(_) => FeedChange::End(Err(FeedError::Stopped)),
        };
        let has_ended = self.log.lock().apply(change);
        drop(source);
        if has_ended {
            // The next watcher opens a new feed.
            self.feeds.remove(self.key, self);
        } else {
            is_ready.store(true, Ordering::Release);
        }
        self.signal.watchers.notify_waiters();
        true
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.feeds.remove(self.key, self);
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, _) = &self.key;
        f.debug_struct("Feed")
            .field("id", id)
            .finish_non_exhaustive()
    }
}
