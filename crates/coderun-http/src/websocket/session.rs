//! One socket from its greeting to the reason to close it.

use std::error::Error;

use coderun_app::{AccessError, WatchEvent, WatchStream};
use coderun_domain::{BearerToken, ExecutionId, FailureKind, Principal, Sequence, VerifyError};
use futures_util::StreamExt;
use tokio::time::{Instant, MissedTickBehavior};

use super::Closing;
use super::connection::{Connection, Incoming};
use super::greeting::{Dialect, Greeting};
use crate::failure_log::Failure;
use crate::state::AppState;
use crate::wire::{ClientMessage, ServerMessage};

/// How many pings in a row may stay without any sign of life.
const SILENT_PINGS_MAX: u32 = 2;

/// Serves a socket and answers why it is to be closed.
pub(super) async fn serve(
    connection: &mut Connection,
    greeting: Greeting,
    state: &AppState,
) -> Closing {
    let serving = admit_and_watch(connection, greeting, state);
    let served = state.draining.run_until_cancelled(serving).await;
    match served {
        None => Closing::DRAINING,
        Some(Ok(closing) | Err(closing)) => closing,
    }
}

async fn admit_and_watch(
    connection: &mut Connection,
    greeting: Greeting,
    state: &AppState,
) -> Result<Closing, Closing> {
    greeting.origin?;
    let _place = state.sockets.admit().ok_or(Closing::CROWDED)?;
    let principal = verify(greeting.token?, state).await?;
    let (id, since) = (greeting.id?, greeting.since?);
    let place = state.sockets.admit_user(&principal.user);
    let _user_place = place.ok_or(Closing::USER_CROWDED)?;
    let now = state.ports.clock.now();
    let left = (principal.expires_at - now).max(time::Duration::ZERO);
    let mut watcher = Watcher {
        connection,
        state,
        user: principal,
        id,
        dialect: greeting.dialect,
        silent_pings: 0,
    };
    let open_for = left.unsigned_abs() + state.config.sockets.expiry_grace;
    let watching = watcher.watch(since);
    match tokio::time::timeout(open_for, watching).await {
        Ok(closing) => closing,
        Err(_) => Ok(Closing::EXPIRED_TOKEN),
    }
}

async fn verify(token: BearerToken, state: &AppState) -> Result<Principal, Closing> {
    let sockets = &state.sockets;
    let _place = sockets.admit_unverified().ok_or(Closing::CROWDED)?;
    let verifying = state.ports.verifier.verify(&token);
    let verified = tokio::time::timeout(state.config.sockets.verification, verifying).await;
    verified.map_err(|_| Closing::UNVERIFIED)?.map_err(|error| {
        if matches!(error, VerifyError::Expired) {
            return Closing::EXPIRED_TOKEN;
        }
        failed(error.kind(), &error)
    })
}

/// A verified user who watches an execution.
struct Watcher<'a> {
    connection: &'a mut Connection,
    state: &'a AppState,
    user: Principal,
    id: ExecutionId,
    dialect: Dialect,
    silent_pings: u32,
}

impl Watcher<'_> {
    async fn watch(&mut self, since: Option<Sequence>) -> Result<Closing, Closing> {
        let mut events = self.subscribe(since).await?;
        let interval = self.state.config.sockets.ping_interval;
        let mut pings = tokio::time::interval_at(Instant::now() + interval, interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    None => return Ok(Closing::FINISHED),
                    Some(Ok(event)) => self.tell(&event).await?,
                    Some(Err(error)) => return Err(refused(&AccessError::from(error))),
                },
                incoming = self.connection.receive() => {
                    self.silent_pings = 0;
                    match incoming? {
                        Incoming::Text(text) => self.answer(&text).await?,
                        Incoming::Life => {}
                    }
                }
                _ = pings.tick() => self.ping().await?,
            }
        }
    }

    /// The events after `since`; if that is a number yet to come, says so and begins with a snapshot.
    async fn subscribe(&mut self, since: Option<Sequence>) -> Result<WatchStream, Closing> {
        let executions = &self.state.ports.executions;
        let mut since = since;
        if let Some(wanted) = since {
            let execution = executions.read(&self.user.user, self.id).await;
            let last = execution.map_err(|error| refused(&error))?.sequence();
            if wanted > last {
                since = None;
                let detail = "since is a number that is yet to come: a snapshot follows";
                self.connection.send(&ServerMessage::error(detail)).await?;
            }
        }
        let watching = executions.watch(&self.user.user, self.id, since).await;
        watching.map_err(|error| refused(&error))
    }

    async fn tell(&mut self, event: &WatchEvent) -> Result<(), Closing> {
        let message = match event {
            WatchEvent::Updated(execution) => {
                let policy = self.state.ports.executions.store_policy();
                ServerMessage::update(execution, policy)
            }
            WatchEvent::Output { sequence, chunk } => match self.dialect {
                Dialect::Core => return Ok(()),
                Dialect::Full => ServerMessage::output(self.id, *sequence, chunk),
            },
        };
        self.connection.send(&message).await
    }

    async fn answer(&mut self, text: &str) -> Result<(), Closing> {
        match ClientMessage::parse(text) {
            ClientMessage::Ping => self.reply(&ServerMessage::Pong).await,
            ClientMessage::Unknown => {
                let detail = "the message is none that this server knows";
                self.reply(&ServerMessage::error(detail)).await
            }
            ClientMessage::Cancel => {
                let executions = &self.state.ports.executions;
                match executions.cancel(&self.user.user, self.id).await {
                    Ok(_) => Ok(()),
                    Err(error) => {
                        refused(&error);
                        let detail = "the execution could not be cancelled";
                        self.reply(&ServerMessage::error(detail)).await
                    }
                }
            }
        }
    }

    /// Sends what only those understand who know more than the core.
    async fn reply(&mut self, message: &ServerMessage<'_>) -> Result<(), Closing> {
        match self.dialect {
            Dialect::Core => Ok(()),
            Dialect::Full => self.connection.send(message).await,
        }
    }

    async fn ping(&mut self) -> Result<(), Closing> {
        if self.silent_pings >= SILENT_PINGS_MAX {
            return Err(Closing::SILENT);
        }
        self.silent_pings += 1;
        self.connection.ping().await
    }
}

/// The reason to close after a use case has failed.
fn refused(error: &AccessError) -> Closing {
    failed(error.kind(), error)
}

/// The reason to close after a failure, which is logged if it is not the watcher's.
fn failed(kind: FailureKind, error: &(dyn Error + 'static)) -> Closing {
    let failure = Failure {
        what: "a socket",
        error: Some(error),
        request_id: None,
    };
    failure.log(kind);
    Closing::of_kind(kind)
}
