//! What there is to tell one watcher, one thing after the other.

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
use super::agenda::{Agenda, Duty};
use super::queue_place::{QueueNews, QueuePlace};
use crate::state::AppState;
use crate::wire::ServerMessage;

/// Which messages a client understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `execution_update` and nothing else: the core contract.
    Core,
    /// All of them.
    Full,
}

/// How one watcher is told.
#[derive(Debug)]
pub(crate) struct FeedSettings {
    pub(crate) dialect: Dialect,
    /// Who watches, and for how long.
    pub(crate) admission: Admission,
    /// The time from one [`News::Silence`] to the next.
    pub(crate) keep_alive: Duration,
}

/// What there is to tell one watcher, as fast as it takes it: nothing is read ahead.
pub(crate) struct Feed {
    state: web::Data<AppState>,
    dialect: Dialect,
    events: WatchStream,
    agenda: Agenda,
    alarm: Pin<Box<Sleep>>,
    /// `None` once it was told, or where nobody would understand it.
    departure: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    place: Option<QueuePlace>,
}

/// One thing to tell or to do.
#[derive(Debug)]
pub(crate) enum News {
    /// Something happened to the execution.
    Event(WatchEvent),
    /// Its place in the queue has changed.
    Queue(QueueNews),
    /// The server is going away: the client should reconnect within this time.
    GoingAway(Duration),
    /// The admission ends after this time.
    AuthExpiring(Duration),
    /// Nothing need be told, but that the connection lives.
    Silence,
    /// The execution is final and all of it was told.
    Over,
    /// The admission has ended.
    Expired,
    /// What happens cannot be told any more.
    Lost(WatchError),
}

impl Feed {
    /// What there is to tell of this execution from now on.
    pub(crate) fn new(
        state: web::Data<AppState>,
        subscription: Subscription,
        settings: &FeedSettings,
    ) -> Self {
        let now = Instant::now();
        let agenda = Agenda::new(now, settings.keep_alive, &state.config.sockets);
        let departure = match settings.dialect {
            Dialect::Core => None,
            Dialect::Full => {
                let going_away = state.departure.going_away().clone();
                Some(Box::pin(going_away.cancelled_owned()))
            }
        };
        let mut feed = Self {
            dialect: settings.dialect,
            events: subscription.events,
            alarm: Box::pin(tokio::time::sleep_until(agenda.next().0)),
            agenda,
            departure,
            place: None,
            state,
        };
        feed.admit(&settings.admission);
        feed.look_at(&WatchEvent::Updated(Box::new(subscription.execution)));
        feed
    }

    /// From now on this admission counts.
    pub(crate) fn admit(&mut self, admission: &Admission) {
        let today = self.state.ports.clock.now();
        let limits = &self.state.config.sockets;
        self.agenda.admit_until(admission, today, limits);
        if self.dialect == Dialect::Core {
            self.agenda.expiry_was_told();
        }
    }

    /// Whether the watcher has still to be told that the server is going away.
    pub(crate) const fn owes_departure(&self) -> bool {
        self.departure.is_some()
    }

    /// Waits for the next thing to tell. Cancel-safe. Nothing comes after [`News::Over`] and [`News::Lost`].
    pub(crate) async fn next(&mut self) -> News {
        loop {
            let (at, duty) = self.agenda.next();
            if self.alarm.deadline() != at {
                self.alarm.as_mut().reset(at);
            }
            tokio::select! {
                // What is due is done however many events there are.
                biased;
                () = &mut self.alarm => {
                    if let Some(news) = self.attend(duty).await {
                        return news;
                    }
                }
                () = wait(&mut self.departure) => {
                    self.departure = None;
                    return News::GoingAway(self.state.reconnect_within());
                }
                event = self.events.next() => return self.told(event),
            }
        }
    }

    async fn attend(&mut self, duty: Duty) -> Option<News> {
        let now = Instant::now();
        match duty {
            Duty::Expire => Some(News::Expired),
            Duty::TellExpiry => {
                self.agenda.expiry_was_told();
                Some(News::AuthExpiring(self.agenda.left(now)))
            }
            Duty::KeepAlive => {
                self.agenda.keep_alive_later(now);
                Some(News::Silence)
            }
            Duty::AskPlace => {
                self.agenda.ask_place_later(now);
                self.ask_place().await
            }
        }
    }

    /// Asks for the place in the queue, unless an event comes first.
    async fn ask_place(&mut self) -> Option<News> {
        let place = self.place.as_mut()?;
        let asking = self
            .state
            .ports
            .executions
            .queue_position(place.execution());
        let answer = tokio::select! {
            biased;
            event = self.events.next() => return Some(self.told(event)),
            answer = asking => answer,
        };
        // Without an answer nothing is told: it is a courtesy, and the next one comes soon.
        let position = answer.ok().flatten()?;
        place.note(position, Instant::now()).map(News::Queue)
    }

    fn told(&mut self, event: Option<Result<WatchEvent, WatchError>>) -> News {
        match event {
            None => News::Over,
            Some(Err(error)) => News::Lost(error),
            Some(Ok(event)) => {
                self.look_at(&event);
                News::Event(event)
            }
        }
    }

    /// Follows the queue for as long as the execution waits in it.
    fn look_at(&mut self, event: &WatchEvent) {
        let WatchEvent::Updated(execution) = event else {
            return;
        };
        if self.dialect == Dialect::Core {
            return;
        }
        match execution.status() {
            Status::Pending => {
                self.place = Some(QueuePlace::new(execution.clone()));
                self.agenda.ask_place(Instant::now());
            }
            Status::Running | Status::Completed | Status::Error => {
                self.place = None;
                self.agenda.forget_place();
            }
        }
    }
}

/// Waits for this, or for ever if there is nothing to wait for.
async fn wait(departure: &mut Option<Pin<Box<WaitForCancellationFutureOwned>>>) {
    match departure {
        Some(departure) => departure.as_mut().await,
        None => pending().await,
    }
}

impl News {
    /// The message that tells it, to whoever understands it; `None` where there is nothing to say.
    pub(crate) fn message(
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
            Self::Queue(news) => ServerMessage::queue(news.position, news.estimated_start),
            Self::GoingAway(within) => ServerMessage::going_away(*within),
            Self::AuthExpiring(left) => ServerMessage::auth_expiring(*left),
            Self::Silence | Self::Over | Self::Expired | Self::Lost(_) => return None,
        };
        (dialect == Dialect::Full).then_some(message)
    }
}
