//! Feeds one watcher with messages: events, queue positions, notices and the end.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use actix_web::web;
use coderun_app::{WatchEvent, WatchStream};
use coderun_domain::{Admission, ExecutionId, Status, WatchError};
use futures_util::StreamExt;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Subscription;
use super::queue_progress::{QueueProgress, QueueUpdate};
use super::timers::{TimerKind, WatchTimers};
use crate::state::AppState;
use crate::wire::ServerMessage;

/// Which messages a client understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Only `execution_update`: the core contract.
    Core,
    /// All messages.
    Full,
}

/// The settings of one watcher's feed.
#[derive(Debug)]
pub(crate) struct FeedSettings {
    pub(crate) dialect: Dialect,
    /// The watching user and the end of the admission.
    pub(crate) admission: Admission,
    /// The time from one [`WatchMessage::KeepAlive`] to the next.
    pub(crate) keep_alive: Duration,
}

/// The messages for one watcher. An event is read only when the watcher asks for the next message.
pub(crate) struct Feed {
    state: web::Data<AppState>,
    dialect: Dialect,
    events: WatchStream,
    timers: WatchTimers,
    next_timer: Pin<Box<Sleep>>,
    /// `None` once `going_away` was sent, and for a client that does not understand it.
    going_away: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    queue: Option<QueueProgress>,
}

/// A message for one watcher.
#[derive(Debug)]
pub(crate) enum WatchMessage {
    /// An event of the execution.
    Event(WatchEvent),
    /// The position in the queue has changed.
    QueuePosition(QueueUpdate),
    /// The server is going away: the client should reconnect within this time.
    GoingAway(Duration),
    /// The token expires after this time.
    AuthExpiring(Duration),
    /// Nothing has happened; the connection needs a sign of life.
    KeepAlive,
    /// The execution is final and all events were sent.
    Finished,
    /// The admission has ended.
    Expired,
    /// The events cannot be read any more.
    Failed(WatchError),
}

impl Feed {
    /// The feed of a subscription.
    pub(crate) fn new(
        state: web::Data<AppState>,
        subscription: Subscription,
        settings: &FeedSettings,
    ) -> Self {
        let now = Instant::now();
        let timers = WatchTimers::new(now, settings.keep_alive, &state.config.sockets);
        let going_away = match settings.dialect {
            Dialect::Core => None,
            Dialect::Full => {
                let going_away = state.drain.going_away.clone();
                Some(Box::pin(going_away.cancelled_owned()))
            }
        };
        let mut feed = Self {
            dialect: settings.dialect,
            events: subscription.events,
            next_timer: Box::pin(tokio::time::sleep_until(timers.next().0)),
            timers,
            going_away,
            queue: None,
            state,
        };
        feed.admit(&settings.admission);
        feed.follow_queue(&WatchEvent::Updated(Box::new(subscription.execution)));
        feed
    }

    /// Replaces the admission.
    pub(crate) fn admit(&mut self, admission: &Admission) {
        let now = self.state.ports.clock.now();
        let limits = &self.state.config.sockets;
        self.timers.set_expiry(admission, now, limits);
        if self.dialect == Dialect::Core {
            self.timers.cancel_expiry_notice();
        }
    }

    /// Whether `going_away` must still be sent.
    pub(crate) const fn owes_going_away(&self) -> bool {
        self.going_away.is_some()
    }

    /// Waits for the next message. Cancel-safe. [`WatchMessage::Finished`] and [`WatchMessage::Failed`] are the last ones.
    pub(crate) async fn next(&mut self) -> WatchMessage {
        loop {
            let (at, kind) = self.timers.next();
            if self.next_timer.deadline() != at {
                self.next_timer.as_mut().reset(at);
            }
            tokio::select! {
                // A timer must not starve, however many events there are.
                biased;
                () = &mut self.next_timer => {
                    if let Some(message) = self.handle_timer(kind).await {
                        return message;
                    }
                }
                () = wait(&mut self.going_away) => {
                    self.going_away = None;
                    return WatchMessage::GoingAway(self.state.reconnect_within());
                }
                event = self.events.next() => return self.message_of(event),
            }
        }
    }

    async fn handle_timer(&mut self, kind: TimerKind) -> Option<WatchMessage> {
        let now = Instant::now();
        match kind {
            TimerKind::TokenExpiry => Some(WatchMessage::Expired),
            TimerKind::ExpiryNotice => {
                self.timers.cancel_expiry_notice();
                let left = self.timers.until_token_expiry(now);
                Some(WatchMessage::AuthExpiring(left))
            }
            TimerKind::KeepAlive => {
                self.timers.restart_keep_alive(now);
                Some(WatchMessage::KeepAlive)
            }
            TimerKind::QueuePosition => {
                self.timers.restart_queue_position(now);
                self.read_queue_position().await
            }
        }
    }

    /// Reads the position in the queue, unless an event comes first.
    async fn read_queue_position(&mut self) -> Option<WatchMessage> {
        let queue = self.queue.as_mut()?;
        let executions = &self.state.ports.executions;
        let reading = executions.queue_position(queue.execution());
        let position = tokio::select! {
            biased;
            event = self.events.next() => return Some(self.message_of(event)),
            position = reading => position,
        };
        // A failed read is ignored: the position is only a courtesy, and it is read again soon.
        let update = queue.record(position.ok().flatten()?, Instant::now());
        update.map(WatchMessage::QueuePosition)
    }

    fn message_of(&mut self, event: Option<Result<WatchEvent, WatchError>>) -> WatchMessage {
        match event {
            None => WatchMessage::Finished,
            Some(Err(error)) => WatchMessage::Failed(error),
            Some(Ok(event)) => {
                self.follow_queue(&event);
                WatchMessage::Event(event)
            }
        }
    }

    /// Follows the queue while the execution is pending.
    fn follow_queue(&mut self, event: &WatchEvent) {
        let WatchEvent::Updated(execution) = event else {
            return;
        };
        if self.dialect == Dialect::Core {
            return;
        }
        match execution.reported_status() {
            Status::Pending => {
                self.queue = Some(QueueProgress::new(execution.clone()));
                self.timers.start_queue_position(Instant::now());
            }
            Status::Running | Status::Completed | Status::Error => {
                self.queue = None;
                self.timers.cancel_queue_position();
            }
        }
    }
}

/// Waits for a cancellation, for ever if there is none.
async fn wait(cancellation: &mut Option<Pin<Box<WaitForCancellationFutureOwned>>>) {
    match cancellation {
        Some(cancellation) => cancellation.as_mut().await,
        None => pending().await,
    }
}

impl WatchMessage {
    /// The message as it is sent, or `None` if the client would not understand it or nothing is sent.
    pub(crate) fn to_wire(
        &self,
        id: ExecutionId,
        state: &AppState,
        dialect: Dialect,
    ) -> Option<ServerMessage<'_>> {
        let message = match self {
            Self::Event(WatchEvent::Updated(execution)) => {
                let policy = state.ports.executions.store_policy();
                return Some(ServerMessage::update(execution, policy));
            }
            Self::Event(WatchEvent::Output { sequence, chunk }) => {
                ServerMessage::output(id, *sequence, chunk)
            }
            Self::Event(WatchEvent::AwaitingInput { sequence, attempt }) => {
                ServerMessage::awaiting_input(id, *sequence, *attempt)
            }
            Self::QueuePosition(update) => {
                ServerMessage::queue(update.position, update.estimated_start)
            }
            Self::GoingAway(within) => ServerMessage::going_away(*within),
            Self::AuthExpiring(left) => ServerMessage::auth_expiring(*left),
            Self::KeepAlive | Self::Finished | Self::Expired | Self::Failed(_) => return None,
        };
        (dialect == Dialect::Full).then_some(message)
    }
}
