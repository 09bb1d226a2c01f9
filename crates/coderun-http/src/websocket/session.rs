//! One socket from its greeting to the reason to close it.

use std::sync::Arc;

use actix_web::web;
use coderun_app::{AccessError, Console};
use coderun_domain::{
    Admission, BearerToken, ExecutionId, InputPiece, InputReply, Sequence, UserId,
};

use super::Closing;
use super::connection::{Connection, Incoming};
use super::errand::{Done, Errand, Typing, TypingError};
use super::greeting::Greeting;
use super::refusal::{failed, no_access, not_admitted};
use super::typing_queue::{Typed, TypingQueue};
use crate::state::AppState;
use crate::telemetry::SocketKind;
use crate::watching::{
    AdmissionError, Dialect, Feed, FeedSettings, News, WatcherPlace, admit, subscribe,
};
use crate::wire::{ClientMessage, ServerMessage};

/// How many pings in a row may stay without any sign of life.
const SILENT_PINGS_MAX: u32 = 2;

/// Serves a socket and answers why it is to be closed.
pub(super) async fn serve(
    connection: &mut Connection,
    greeting: Greeting,
    state: &web::Data<AppState>,
) -> Closing {
    let end = state.departure.end();
    // Boxed, because all that it takes to begin would else be held for as long as the socket is open.
    let beginning = Box::pin(begin(connection, greeting, state));
    let mut session = match end.run_until_cancelled(beginning).await {
        None => return Closing::DRAINING,
        Some(Err(closing)) => return closing,
        Some(Ok(session)) => session,
    };
    match end.run_until_cancelled(Box::pin(session.watch())).await {
        None => Box::pin(session.leave()).await,
        Some(Ok(closing) | Err(closing)) => closing,
    }
}

async fn begin<'a>(
    connection: &'a mut Connection,
    greeting: Greeting,
    state: &'a web::Data<AppState>,
) -> Result<Session<'a>, Closing> {
    greeting.origin?;
    let sockets = &state.sockets;
    let total = sockets.admit().ok_or(Closing::CROWDED)?;
    let credentials = greeting.credentials?;
    let admitted = admit(credentials, greeting.id.ok(), state).await;
    let admission = admitted.map_err(|error| not_admitted(&error))?;
    let (id, since) = (greeting.id?, greeting.since?);
    let user = &admission.user;
    let place = WatcherPlace::among(sockets, total, user, SocketKind::WebSocket)?;
    let feed = feed(connection, state, &admission, (id, since, greeting.dialect)).await?;
    connection.hold(place);
    Ok(Session {
        connection,
        state,
        user: admission.user,
        id,
        dialect: greeting.dialect,
        feed,
        errand: None,
        typing: None,
        queue: TypingQueue::default(),
        console: None,
        silent_pings: 0,
    })
}

/// What there is to tell, after an error if the watcher wants what comes after a number that is yet to come.
async fn feed(
    connection: &mut Connection,
    state: &web::Data<AppState>,
    admission: &Admission,
    (id, since, dialect): (ExecutionId, Option<Sequence>, Dialect),
) -> Result<Feed, Closing> {
    let subscribed = subscribe(state, &admission.user, id, since).await;
    let subscription = subscribed.map_err(|error| no_access(&error))?;
    if subscription.since_is_to_come {
        connection.send(&ServerMessage::since_is_to_come()).await?;
    }
    let settings = FeedSettings {
        dialect,
        admission: admission.clone(),
        keep_alive: state.config.sockets.ping_interval,
    };
    Ok(Feed::new(state.clone(), subscription, &settings))
}

/// A verified user who watches an execution.
struct Session<'a> {
    connection: &'a mut Connection,
    state: &'a web::Data<AppState>,
    user: UserId,
    id: ExecutionId,
    dialect: Dialect,
    feed: Feed,
    errand: Option<Errand>,
    /// What is being typed, and what comes behind it: a program that does not read must not keep its owner from stopping it.
    typing: Option<Errand>,
    queue: TypingQueue,
    console: Option<Box<Console>>,
    silent_pings: u32,
}

impl Session<'_> {
    /// What is rare is boxed here, so that sockets that only wait do not hold room for it.
    async fn watch(&mut self) -> Result<Closing, Closing> {
        loop {
            tokio::select! {
                news = self.feed.next() => {
                    if let Some(closing) = self.tell(&news).await? {
                        return Ok(closing);
                    }
                }
                done = done(&mut self.errand) => {
                    self.errand = None;
                    // While nothing was read, nothing could be heard.
                    self.silent_pings = 0;
                    Box::pin(self.report(done)).await?;
                }
                done = done(&mut self.typing) => {
                    self.typing = None;
                    self.silent_pings = 0;
                    Box::pin(self.report(done)).await?;
                    Box::pin(self.type_on()).await?;
                }
                incoming = self.connection.receive(), if self.errand.is_none() && self.queue.has_room() => {
                    self.silent_pings = 0;
                    match incoming? {
                        Incoming::Text(text) => {
                            Box::pin(self.answer(ClientMessage::parse(&text))).await?;
                        }
                        Incoming::Life => {}
                    }
                }
            }
        }
    }

    /// Passes on what there is to tell, and answers why that was the last of it.
    async fn tell(&mut self, news: &News) -> Result<Option<Closing>, Closing> {
        match news {
            News::Over => return Ok(Some(Closing::FINISHED)),
            News::Expired => return Ok(Some(Closing::EXPIRED_TOKEN)),
            News::Lost(error) => return Err(failed(error.kind(), error)),
            News::Silence => Box::pin(self.ping()).await?,
            News::Event(_) | News::Queue(_) | News::GoingAway(_) | News::AuthExpiring(_) => {
                if let Some(message) = news.message(self.id, self.state, self.dialect) {
                    self.connection.send(&message).await?;
                }
            }
        }
        Ok(None)
    }

    async fn answer(&mut self, message: ClientMessage) -> Result<(), Closing> {
        match message {
            ClientMessage::Cancel => self.cancel(),
            ClientMessage::Ping => {
                self.queue.push(Typed::Ping);
                return self.type_on().await;
            }
            ClientMessage::Incomplete(detail) => return self.refuse(detail).await,
            ClientMessage::Unknown => {
                let detail = "the message is none that this server knows";
                return self.refuse(detail).await;
            }
            ClientMessage::Input(piece) => {
                self.queue.push(Typed::Piece(piece));
                return self.type_on().await;
            }
            ClientMessage::Auth(token) => self.verify(token),
        }
        Ok(())
    }

    fn cancel(&mut self) {
        let executions = Arc::clone(&self.state.ports.executions);
        self.errand = Some(Errand::cancel(executions, self.user.clone(), self.id));
    }

    /// Goes on with what was typed, until something takes a while. A ping is answered in its turn: its pong says that all
    /// that was typed before is kept.
    async fn type_on(&mut self) -> Result<(), Closing> {
        while self.typing.is_none() {
            match self.queue.pop() {
                None => return Ok(()),
                Some(Typed::Ping) => self.reply(&ServerMessage::Pong).await?,
                Some(Typed::Piece(piece)) => self.deliver(piece),
            }
        }
        Ok(())
    }

    /// To a client of the core contract this is an unknown message, and so it is with what follows.
    fn deliver(&mut self, piece: InputPiece) {
        if self.dialect == Dialect::Core {
            return;
        }
        let typing = Typing {
            executions: Arc::clone(&self.state.ports.executions),
            user: self.user.clone(),
            id: self.id,
            patience: self.state.config.sockets.send,
        };
        let console = self.console.take().map(|console| *console);
        self.typing = Some(Errand::deliver(typing, console, piece));
    }

    fn verify(&mut self, token: BearerToken) {
        if self.dialect == Dialect::Full {
            self.errand = Some(Errand::verify(token, self.state.clone()));
        }
    }

    async fn report(&mut self, done: Done) -> Result<(), Closing> {
        match done {
            Done::Cancelled(Ok(_)) => Ok(()),
            Done::Cancelled(Err(error)) => {
                no_access(&error);
                self.refuse("the execution could not be cancelled").await
            }
            Done::Typed { console, reply } => {
                self.console = console.map(Box::new);
                self.report_typed(reply).await
            }
            Done::Verified(verified) => self.report_verified(verified).await,
        }
    }

    async fn report_typed(
        &mut self,
        reply: Result<InputReply, TypingError>,
    ) -> Result<(), Closing> {
        let detail = match reply {
            Ok(InputReply::Kept | InputReply::Full) => return Ok(()),
            Ok(InputReply::Absent) => return Err(no_access(&AccessError::Absent)),
            Ok(InputReply::Ended) => "the stdin of the program was closed before",
            Ok(InputReply::NotInteractive) => {
                "the execution takes no input while it runs: submit it with `interactive`"
            }
            Ok(InputReply::Final) => "the execution is final and takes no more input",
            Err(TypingError::Access(error)) => return Err(no_access(&error)),
            Err(TypingError::Input(error)) => return Err(failed(error.kind(), &error)),
        };
        self.refuse(detail).await
    }

    async fn report_verified(
        &mut self,
        verified: Result<Admission, AdmissionError>,
    ) -> Result<(), Closing> {
        match verified {
            Ok(admission) if admission.user == self.user => {
                self.feed.admit(&admission);
                Ok(())
            }
            Ok(_) => {
                let detail = "the token is another user's: the one before holds";
                self.refuse(detail).await
            }
            Err(error) => {
                let closing = not_admitted(&error);
                let detail = format!("{}: the token before holds", closing.reason);
                self.refuse(&detail).await
            }
        }
    }

    async fn refuse(&mut self, detail: &str) -> Result<(), Closing> {
        self.reply(&ServerMessage::error(detail)).await
    }

    /// Sends what only those understand who know more than the core.
    async fn reply(&mut self, message: &ServerMessage<'_>) -> Result<(), Closing> {
        match self.dialect {
            Dialect::Core => Ok(()),
            Dialect::Full => self.connection.send(message).await,
        }
    }

    async fn ping(&mut self) -> Result<(), Closing> {
        // Nobody can be blamed for what is not read.
        if self.errand.is_none() && self.queue.has_room() {
            if self.silent_pings >= SILENT_PINGS_MAX {
                return Err(Closing::SILENT);
            }
            self.silent_pings += 1;
        }
        self.connection.ping().await
    }

    /// Says good bye when the server ends, to those who have not been told that it would.
    async fn leave(&mut self) -> Closing {
        if self.feed.owes_departure() {
            let message = ServerMessage::going_away(self.state.reconnect_within());
            let telling = self.connection.send(&message);
            // The close frame says the same to whoever does not take it.
            drop(tokio::time::timeout(self.state.config.sockets.close, telling).await);
        }
        Closing::DRAINING
    }
}

/// Waits until an errand is done, or for ever if there is none.
async fn done(errand: &mut Option<Errand>) -> Done {
    match errand {
        Some(errand) => errand.done().await,
        None => std::future::pending().await,
    }
}
