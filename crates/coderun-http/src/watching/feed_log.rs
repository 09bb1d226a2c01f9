//! Keeps what the watchers of one execution are to read: a bounded log of its recent messages, and how the feed ended.

use std::collections::VecDeque;

use coderun_domain::{Execution, Sequence, Status, StorePolicy};

use super::message::{
    EncodedEvent, EncodedMessage, FeedError, WatchedExecution, encode_small_update,
};

/// The size of the log. A watcher that falls further behind reads the stored events by itself.
pub(super) const LOG_MAX_BYTES: usize = 64 << 10;

/// Which messages a client understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Only `execution_update`: the core contract.
    Core,
    /// All messages.
    Full,
}

/// What has happened, as far as watchers may still need it.
#[derive(Debug)]
pub(super) struct FeedLog {
    execution: WatchedExecution,
    /// The events after `start`, in order and without gaps.
    recent: VecDeque<EncodedEvent>,
    recent_bytes: usize,
    start: Sequence,
    last: Sequence,
    snapshot: Option<EncodedEvent>,
    /// The number of the last queue position, and its message while the execution is pending.
    queue: (u32, Option<EncodedMessage>),
    going_away: bool,
    end: Option<Result<(), FeedError>>,
}

/// What a feed tells.
#[derive(Debug)]
pub(super) enum FeedChange {
    Event(EncodedEvent),
    /// The execution waits at another position.
    QueuePosition(EncodedMessage),
    GoingAway,
    /// There will be no more.
    End(Result<(), FeedError>),
}

/// What one watcher has received.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) dialect: Dialect,
    pub(super) seen: Sequence,
    queue: u32,
    pub(super) owes_going_away: bool,
}

/// What comes next for one watcher.
#[derive(Debug)]
pub(super) enum Next {
    Message(EncodedMessage),
    GoingAway,
    /// The next event is not in the log any more.
    Behind(WatchedExecution),
    End(Result<(), FeedError>),
}

impl Cursor {
    pub(super) const fn new(dialect: Dialect, seen: Sequence) -> Self {
        Self {
            dialect,
            seen,
            queue: 0,
            owes_going_away: matches!(dialect, Dialect::Full),
        }
    }

    /// Moves past an event. Returns its message if the client understands it.
    pub(super) fn pass(&mut self, event: &EncodedEvent) -> Option<EncodedMessage> {
        self.seen = event.sequence;
        let is_understood = event.update.is_some() || self.dialect == Dialect::Full;
        is_understood.then(|| event.message.clone())
    }
}

impl FeedLog {
    pub(super) fn new(execution: &Execution, start: Sequence) -> Self {
        Self {
            execution: WatchedExecution::of(execution),
            recent: VecDeque::new(),
            recent_bytes: 0,
            start,
            last: start,
            snapshot: None,
            queue: (0, None),
            going_away: false,
            end: None,
        }
    }

    /// What comes next for a watcher; `None` if it is up to date. Moves its cursor.
    pub(super) fn next(&self, cursor: &mut Cursor) -> Option<Next> {
        if self.going_away && cursor.owes_going_away {
            return Some(Next::GoingAway);
        }
        if cursor.seen < self.start {
            return Some(Next::Behind(self.execution.clone()));
        }
        let next = self
            .recent
            .partition_point(|event| event.sequence <= cursor.seen);
        for event in self.recent.range(next..) {
            if let Some(message) = cursor.pass(event) {
                return Some(Next::Message(message));
            }
        }
        if let (number, Some(position)) = &self.queue
            && cursor.dialect == Dialect::Full
            && *number != cursor.queue
        {
            cursor.queue = *number;
            return Some(Next::Message(position.clone()));
        }
        self.end.clone().map(Next::End)
    }

    /// Whether a watcher that has seen this needs no stored events any more.
    pub(super) fn continues(&self, seen: Sequence) -> bool {
        seen >= self.last
    }

    /// The message with the state of the execution as a watcher has read it: encoded once for all who have read the same.
    pub(super) fn snapshot(
        &mut self,
        execution: &Execution,
        policy: &StorePolicy,
    ) -> Result<EncodedMessage, FeedError> {
        let sequence = execution.sequence();
        if let Some(known) = &self.snapshot
            && known.sequence == sequence
        {
            return Ok(known.message.clone());
        }
        let encoded = encode_small_update(execution, policy)?;
        let message = encoded.message.clone();
        if sequence >= self.last {
            self.snapshot = Some(encoded);
        }
        Ok(message)
    }

    /// Applies a change. Returns whether nothing will follow it.
    pub(super) fn apply(&mut self, change: FeedChange) -> bool {
        match change {
            FeedChange::Event(event) => self.push(event),
            FeedChange::QueuePosition(message) => {
                self.queue = (self.queue.0.wrapping_add(1), Some(message));
            }
            FeedChange::GoingAway => self.going_away = true,
            FeedChange::End(end) => self.end = Some(end),
        }
        self.end.is_some()
    }

    /// Appends an event and drops the oldest ones beyond the bound. The newest one always stays.
    fn push(&mut self, event: EncodedEvent) {
        self.last = event.sequence;
        self.snapshot = event.update.is_some().then(|| event.clone());
        if event.update.is_some_and(|status| status != Status::Pending) {
            self.queue.1 = None;
        }
        if event.message.is_last {
            self.end = Some(Ok(()));
        }
        self.recent_bytes += event.message.frame.len();
        self.recent.push_back(event);
        while self.recent_bytes > LOG_MAX_BYTES && self.recent.len() > 1 {
            if let Some(oldest) = self.recent.pop_front() {
                self.recent_bytes -= oldest.message.frame.len();
                self.start = oldest.sequence;
            }
        }
    }
}
