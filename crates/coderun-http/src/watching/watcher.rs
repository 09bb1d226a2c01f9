//! Adds the timers of one connection to the messages of an execution.

use std::pin::Pin;
use std::time::Duration;

use actix_web::web;
use coderun_app::AccessError;
use coderun_domain::{Admission, ExecutionId, Sequence};
use tokio::time::{Instant, Sleep, sleep_until};

use super::feed::Dialect;
use super::feed_reader::{FeedItem, FeedReader};
use super::message::{EncodedMessage, FeedError};
use super::timers::{TimerKind, WatchTimers};
use crate::state::AppState;
use crate::wire::ServerMessage;

/// What a client wants to watch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WatchRequest {
    pub(crate) id: ExecutionId,
    /// The last event that the client has seen. Without it the first message is a snapshot.
    pub(crate) since: Option<Sequence>,
    pub(crate) dialect: Dialect,
    /// The time from one [`WatchMessage::KeepAlive`] to the next.
    pub(crate) keep_alive: Duration,
}

/// The messages for one socket or event stream.
pub(crate) struct Watcher {
    state: web::Data<AppState>,
    reader: FeedReader,
    timers: WatchTimers,
    next_timer: Pin<Box<Sleep>>,
}

/// A message for one watcher.
#[derive(Debug)]
pub(crate) enum WatchMessage {
    /// A message for the client.
    Message(EncodedMessage),
    /// Nothing has happened; the connection needs a sign of life.
    KeepAlive,
    /// The execution is final and all events were sent.
    Finished,
    /// The admission has ended.
    Expired,
    /// There will be no more messages.
    Failed(FeedError),
}

impl Watcher {
    /// Watches an execution of the user who is admitted.
    ///
    /// # Errors
    /// [`AccessError`] if the execution does not exist, belongs to another user, or cannot be read.
    pub(crate) async fn open(
        state: &web::Data<AppState>,
        admission: &Admission,
        request: WatchRequest,
    ) -> Result<Self, AccessError> {
        let executions = &state.ports.executions;
        let execution = executions.read(&admission.user, request.id).await?;
        let reader = FeedReader::open(state, &execution, request.since, request.dialect);
        let timers = WatchTimers::new(Instant::now(), request.keep_alive);
        let mut watcher = Self {
            state: state.clone(),
            reader,
            next_timer: Box::pin(sleep_until(timers.next().0)),
            timers,
        };
        watcher.admit(admission);
        Ok(watcher)
    }

    /// Replaces the admission.
    pub(crate) fn admit(&mut self, admission: &Admission) {
        let now = self.state.ports.clock.now();
        let limits = &self.state.config.sockets;
        self.timers.set_expiry(admission, now, limits);
        if self.reader.dialect() == Dialect::Core {
            self.timers.notice = None;
        }
    }

    /// Whether there is nothing to send: the execution is final and the client has seen its last event.
    pub(crate) const fn is_complete(&self) -> bool {
        self.reader.is_complete()
    }

    /// Whether `going_away` must still be sent when the server ends.
    pub(crate) const fn owes_going_away(&self) -> bool {
        self.reader.owes_going_away()
    }

    /// Waits for the next message. Cancel-safe. [`WatchMessage::Finished`] and [`WatchMessage::Failed`] are the last ones.
    pub(crate) async fn next(&mut self) -> WatchMessage {
        let (at, kind) = self.timers.next();
        if self.next_timer.deadline() != at {
            self.next_timer.as_mut().reset(at);
        }
        tokio::select! {
            // A timer must not starve, however many events there are.
            biased;
            () = &mut self.next_timer => self.handle_timer(kind),
            item = self.reader.next(&self.state) => match item {
                FeedItem::Message(message) => WatchMessage::Message(message),
                FeedItem::GoingAway => self.going_away(),
                FeedItem::End(Ok(())) => WatchMessage::Finished,
                FeedItem::End(Err(error)) => WatchMessage::Failed(error),
            }
        }
    }

    /// The message that the server is going away.
    pub(crate) fn going_away(&self) -> WatchMessage {
        encoded(&ServerMessage::going_away(self.state.reconnect_within()))
    }

    fn handle_timer(&mut self, kind: TimerKind) -> WatchMessage {
        let now = Instant::now();
        match kind {
            TimerKind::TokenExpiry => WatchMessage::Expired,
            TimerKind::ExpiryNotice => {
                self.timers.notice = None;
                let left = self.timers.until_token_expiry(now);
                encoded(&ServerMessage::auth_expiring(left))
            }
            TimerKind::KeepAlive => {
                self.timers.restart_keep_alive(now);
                WatchMessage::KeepAlive
            }
        }
    }
}

fn encoded(message: &ServerMessage<'_>) -> WatchMessage {
    match EncodedMessage::new(message) {
        Ok(message) => WatchMessage::Message(message),
        Err(error) => WatchMessage::Failed(error),
    }
}
