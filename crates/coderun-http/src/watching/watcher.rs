//! Adds the timers of one connection to the messages of an execution.

use std::pin::Pin;
use std::time::Duration;

use actix_web::web;
use coderun_app::AccessError;
use coderun_domain::{Admission, ExecutionId, Sequence};
use tokio::time::{Instant, Sleep, sleep_until};

use super::feed_log::Dialect;
use super::feed_reader::FeedReader;
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

    /// The message that the server is going away, if the client must still be told.
    pub(crate) fn take_going_away(&mut self) -> Option<EncodedMessage> {
        self.reader.take_going_away(&self.state)?.ok()
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
            message = self.reader.next(&self.state) => match message {
                Ok(Some(message)) => WatchMessage::Message(message),
                Ok(None) => WatchMessage::Finished,
                Err(error) => WatchMessage::Failed(error),
            }
        }
    }

    fn handle_timer(&mut self, kind: TimerKind) -> WatchMessage {
        let now = Instant::now();
        match kind {
            TimerKind::TokenExpiry => WatchMessage::Expired,
            TimerKind::ExpiryNotice => {
                self.timers.notice = None;
                let left = self.timers.until_token_expiry(now);
                let notice = EncodedMessage::new(&ServerMessage::auth_expiring(left));
                notice.map_or_else(WatchMessage::Failed, WatchMessage::Message)
            }
            TimerKind::KeepAlive => {
                self.timers.restart_keep_alive(now);
                WatchMessage::KeepAlive
            }
        }
    }
}
