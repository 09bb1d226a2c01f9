//! Feeds one watcher with messages: events, queue positions, notices and the end.

use std::pin::Pin;
use std::time::Duration;

use actix_web::web;
use coderun_app::{WatchEvent, WatchStream};
use coderun_domain::{Admission, ExecutionId, Status, WatchError};
use futures_util::StreamExt;
use futures_util::future::OptionFuture;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Subscription;
use super::queue_progress::QueueProgress;
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

/// The messages for one watcher. An event is read only when the watcher asks for the next message.
pub(crate) struct Feed {
    state: web::Data<AppState>,
    id: ExecutionId,
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
    /// A notice about the queue position, the end of the server or that of the token. Only [`Dialect::Full`] has notices.
    Notice(ServerMessage<'static>),
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
    /// The feed of a subscription. `keep_alive` is the time from one [`WatchMessage::KeepAlive`] to the next.
    pub(crate) fn new(
        state: web::Data<AppState>,
        subscription: Subscription,
        dialect: Dialect,
        admission: &Admission,
        keep_alive: Duration,
    ) -> Self {
        let timers = WatchTimers::new(Instant::now(), keep_alive, &state.config.sockets);
        let going_away = || Box::pin(state.drain.going_away.clone().cancelled_owned());
        let mut feed = Self {
            id: subscription.execution.id(),
            dialect,
            events: subscription.events,
            next_timer: Box::pin(tokio::time::sleep_until(timers.next().0)),
            timers,
            going_away: (dialect == Dialect::Full).then(going_away),
            queue: None,
            state,
        };
        feed.admit(admission);
        feed.follow_queue(&WatchEvent::Updated(Box::new(subscription.execution)));
        feed
    }

    /// Replaces the admission.
    pub(crate) fn admit(&mut self, admission: &Admission) {
        let now = self.state.ports.clock.now();
        let limits = &self.state.config.sockets;
        self.timers.set_expiry(admission, now, limits);
        if self.dialect == Dialect::Core {
            self.timers.notice = None;
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
                Some(()) = OptionFuture::from(self.going_away.as_mut()) => {
                    self.going_away = None;
                    let within = self.state.reconnect_within();
                    return WatchMessage::Notice(ServerMessage::going_away(within));
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
                self.timers.notice = None;
                let left = self.timers.until_token_expiry(now);
                Some(WatchMessage::Notice(ServerMessage::auth_expiring(left)))
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
        let reading = executions.queue_position(&queue.execution);
        let position = tokio::select! {
            biased;
            event = self.events.next() => return Some(self.message_of(event)),
            position = reading => position,
        };
        // A failed read is ignored: the position is only a courtesy, and it is read again soon.
        let update = queue.record(position.ok().flatten()?, Instant::now())?;
        let message = ServerMessage::queue(update.position, update.estimated_start);
        Some(WatchMessage::Notice(message))
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
                self.timers.queue_position = Some(Instant::now());
            }
            Status::Running | Status::Completed | Status::Error => {
                self.queue = None;
                self.timers.queue_position = None;
            }
        }
    }

    /// An event as it is sent, or `None` if the client would not understand it.
    pub(crate) fn to_wire<'a>(&self, event: &'a WatchEvent) -> Option<ServerMessage<'a>> {
        let message = match event {
            WatchEvent::Updated(execution) => {
                let policy = self.state.ports.executions.store_policy();
                return Some(ServerMessage::update(execution, policy));
            }
            WatchEvent::Output { sequence, chunk } => {
                ServerMessage::output(self.id, *sequence, chunk)
            }
            WatchEvent::AwaitingInput { sequence, attempt } => {
                ServerMessage::awaiting_input(self.id, *sequence, *attempt)
            }
        };
        (self.dialect == Dialect::Full).then_some(message)
    }
}
