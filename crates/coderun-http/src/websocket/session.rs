//! Serves one socket, from its upgrade request to the close frame.

use actix_web::web;
use coderun_app::AccessError;
use coderun_domain::{Admission, ByteSize, InputPiece, InputReply};
use futures_util::FutureExt as _;

use super::commands::{CommandResult, Commands};
use super::connection::Connection;
use super::input_queue::QueuedInput;
use super::input_text::InputText;
use super::{CloseFrame, UpgradeRequest};
use crate::failure_log::log_failure;
use crate::metrics::SocketKind;
use crate::state::AppState;
use crate::watching::{AdmissionError, Dialect, WatchMessage, WatchRequest, Watcher, admit};
use crate::wire::{ClientMessage, ServerMessage};

/// How many pings in a row may stay unanswered.
const UNANSWERED_PINGS_MAX: u32 = 2;

/// Serves a socket and returns the frame to close it with.
pub(super) async fn serve(
    connection: &mut Connection,
    upgrade: UpgradeRequest,
    state: &web::Data<AppState>,
) -> CloseFrame {
    let end = &state.drain.end;
    // Boxed, because its memory would otherwise be reserved for as long as the socket is open.
    let opening = Box::pin(open(connection, upgrade, state));
    let mut session = match end.run_until_cancelled(opening).await {
        None => return CloseFrame::DRAINING,
        Some(Err(frame)) => return frame,
        Some(Ok(session)) => session,
    };
    match end.run_until_cancelled(Box::pin(session.run())).await {
        None => Box::pin(session.announce_end()).await,
        Some(Ok(frame) | Err(frame)) => frame,
    }
}

async fn open<'a>(
    connection: &'a mut Connection,
    upgrade: UpgradeRequest,
    state: &'a web::Data<AppState>,
) -> Result<Session<'a>, CloseFrame> {
    upgrade.origin?;
    let sockets = &state.sockets;
    let total = sockets.admit()?;
    let credentials = upgrade.credentials?;
    let dialect = upgrade.dialect;
    let opening = async {
        let admission = admit(credentials, upgrade.id.ok(), state).await?;
        let id = upgrade.id?;
        let request = WatchRequest {
            id,
            since: upgrade.since?,
            dialect,
            keep_alive: state.config.sockets.ping_interval,
        };
        let permit = sockets.admit_verified(total, &admission.user, SocketKind::WebSocket)?;
        let watcher = Watcher::open(state, &admission, request).await?;
        let commands = Commands::new(state.clone(), admission.user, id);
        Ok::<_, CloseFrame>((permit, watcher, commands))
    };
    let (permit, watcher, commands) = connection.prepare(opening).await??;
    connection.admit(permit, commands.user().clone());
    Ok(Session {
        connection,
        state,
        dialect,
        watcher,
        commands,
        input_text: InputText::default(),
        unanswered_pings: 0,
    })
}

/// A verified user who watches an execution.
struct Session<'a> {
    connection: &'a mut Connection,
    state: &'a web::Data<AppState>,
    dialect: Dialect,
    watcher: Watcher,
    commands: Commands,
    input_text: InputText,
    unanswered_pings: u32,
}

impl Session<'_> {
    /// Serves events, results and client messages. Rare branches are boxed, so that idle sockets reserve no memory for them.
    async fn run(&mut self) -> Result<CloseFrame, CloseFrame> {
        // What is ready now is written with the response to the upgrade.
        if let Some(first) = self.watcher.next().now_or_never()
            && let Some(frame) = self.forward(first).await?
        {
            return Ok(frame);
        }
        loop {
            tokio::select! {
                message = self.watcher.next() => {
                    if let Some(frame) = self.forward(message).await? {
                        return Ok(frame);
                    }
                }
                result = self.commands.next() => {
                    // Pongs could not be read while the command ran.
                    self.unanswered_pings = 0;
                    Box::pin(self.handle_result(result)).await?;
                }
                incoming = self.connection.receive(), if self.commands.have_capacity() => {
                    self.unanswered_pings = 0;
                    if let Some(text) = incoming? {
                        Box::pin(self.receive(&text)).await?;
                    }
                }
            }
        }
    }

    /// Forwards a message of the watcher, and in the same write those that are ready after it, as long as all are short.
    /// Returns the close frame after the last one, which goes in this write, too.
    async fn forward(&mut self, message: WatchMessage) -> Result<Option<CloseFrame>, CloseFrame> {
        let mut next = Some(message);
        while let Some(message) = next {
            match message {
                WatchMessage::Finished => return Ok(Some(CloseFrame::FINISHED)),
                WatchMessage::Expired => return Ok(Some(CloseFrame::EXPIRED_TOKEN)),
                WatchMessage::Failed(error) => return Err(error.into()),
                WatchMessage::KeepAlive => Box::pin(self.ping()).await?,
                WatchMessage::Message(message) => {
                    let is_last = message.is_last;
                    self.connection.put(message).await?;
                    if is_last {
                        return Ok(Some(CloseFrame::FINISHED));
                    }
                }
            }
            let waits = self.connection.has_unwritten();
            next = waits.then(|| self.watcher.next().now_or_never()).flatten();
        }
        self.connection.flush().await?;
        Ok(None)
    }

    /// Handles a message, unless it is so long that it is skipped.
    async fn receive(&mut self, text: &str) -> Result<(), CloseFrame> {
        let max = self.state.config.sockets.message_max;
        if ByteSize::of(text.as_bytes()) > max {
            let detail = format!("A message must be at most {max}; a longer one is skipped");
            return self.send_error(&detail).await;
        }
        self.handle(ClientMessage::parse(text)).await
    }

    async fn handle(&mut self, message: ClientMessage) -> Result<(), CloseFrame> {
        // The core contract has no other message.
        if self.dialect == Dialect::Core && message != ClientMessage::Cancel {
            return Ok(());
        }
        match message {
            ClientMessage::Cancel => self.commands.cancel(),
            ClientMessage::Ping => self.commands.enqueue(QueuedInput::Ping),
            ClientMessage::Input(text) => {
                let text = self.input_text.join(text);
                self.enqueue_text(text);
            }
            ClientMessage::EndOfInput => {
                let rest = self.input_text.finish();
                self.enqueue_text(rest);
                self.commands.enqueue(QueuedInput::Piece(InputPiece::End));
            }
            ClientMessage::Invalid(detail) => return self.send_error(&detail).await,
            ClientMessage::Auth(token) => self.commands.verify(token),
        }
        self.send_queued().await
    }

    fn enqueue_text(&mut self, text: Vec<u8>) {
        if !text.is_empty() {
            let piece = InputPiece::Data(text.into());
            self.commands.enqueue(QueuedInput::Piece(piece));
        }
    }

    /// Sends queued input until a piece takes a while, and answers the pings between.
    async fn send_queued(&mut self) -> Result<(), CloseFrame> {
        while self.commands.send_next() {
            self.connection.send(&ServerMessage::PONG).await?;
        }
        Ok(())
    }

    async fn handle_result(&mut self, result: CommandResult) -> Result<(), CloseFrame> {
        match result {
            CommandResult::Cancelled(Ok(())) => Ok(()),
            CommandResult::Cancelled(Err(error)) => {
                log_failure(error.kind(), "a socket", Some(&error), None);
                self.send_error("The execution could not be cancelled, try again")
                    .await
            }
            CommandResult::Input(reply) => {
                self.handle_input_reply(reply?).await?;
                self.send_queued().await
            }
            CommandResult::Verified(verified) => self.handle_verified(verified).await,
        }
    }

    async fn handle_input_reply(&mut self, reply: InputReply) -> Result<(), CloseFrame> {
        let detail = match reply {
            InputReply::Kept | InputReply::Full => return Ok(()),
            InputReply::Absent => return Err(AccessError::Absent.into()),
            InputReply::Ended => "The stdin of the program is already closed",
            InputReply::NotInteractive => {
                "The execution takes no input while it runs; submit it with `interactive: true`"
            }
            InputReply::Final => "The execution is final and takes no more input",
        };
        self.send_error(detail).await
    }

    async fn handle_verified(
        &mut self,
        verified: Result<Admission, AdmissionError>,
    ) -> Result<(), CloseFrame> {
        let reason = match verified {
            Ok(admission) if admission.user == *self.commands.user() => {
                self.watcher.admit(&admission);
                return Ok(());
            }
            Ok(_) => "The token belongs to another user",
            Err(error) => CloseFrame::from(error).reason,
        };
        let detail = format!("{reason}; the previous token stays valid");
        self.send_error(&detail).await
    }

    /// Sends an error, unless the client knows only the core contract, which has none.
    async fn send_error(&mut self, detail: &str) -> Result<(), CloseFrame> {
        match self.dialect {
            Dialect::Core => Ok(()),
            Dialect::Full => self.connection.send(&ServerMessage::error(detail)).await,
        }
    }

    async fn ping(&mut self) -> Result<(), CloseFrame> {
        // A pong counts as missing only while messages are read.
        if self.commands.have_capacity() {
            if self.unanswered_pings >= UNANSWERED_PINGS_MAX {
                return Err(CloseFrame::PING_TIMEOUT);
            }
            self.unanswered_pings += 1;
        }
        self.connection.ping().await
    }

    /// Sends `going_away` when the server ends, unless it has been sent before.
    async fn announce_end(&mut self) -> CloseFrame {
        if let Some(message) = self.watcher.take_going_away() {
            let sending = self.connection.put(message);
            // The close frame says the same to a client that does not take the message.
            drop(tokio::time::timeout(self.state.config.sockets.close, sending).await);
        }
        CloseFrame::DRAINING
    }
}
