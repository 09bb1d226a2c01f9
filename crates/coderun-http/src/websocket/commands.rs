//! Carries out the commands of a client that take a while: `cancel`, `auth` and input.
//!
//! While a command runs or much input waits, nothing more is read from the socket. A client that types faster than its program
//! reads is therefore slowed down by its own connection, and events still reach it.

use std::future::pending;
use std::time::Duration;

use actix_web::web;
use coderun_app::{AccessError, InputSender};
use coderun_domain::{Admission, BearerToken, ExecutionId, InputPiece, InputReply, UserId};
use futures_util::future::{LocalBoxFuture, OptionFuture};
use tokio::time::Instant;

use super::CloseFrame;
use super::input_queue::{InputQueue, QueuedInput};
use crate::state::AppState;
use crate::watching::{AdmissionError, verify};

/// How long to wait before the same input is sent again to a program that has not read the earlier input.
const RETRY_AFTER: Duration = Duration::from_millis(50);

type SentInput = Result<(Box<InputSender>, InputReply), CloseFrame>;

/// The result of a command.
pub(super) enum CommandResult {
    /// The answer to `cancel`.
    Cancelled(Result<(), AccessError>),
    /// The answer to a piece of input.
    Input(Result<InputReply, CloseFrame>),
    /// The answer to a fresh token.
    Verified(Result<Admission, AdmissionError>),
}

/// The commands of one client for the execution that it watches.
pub(super) struct Commands {
    target: Target,
    running: Option<LocalBoxFuture<'static, CommandResult>>,
    /// The input that is being sent. It has its own slot, so that a program that does not read can still be cancelled.
    input: Option<LocalBoxFuture<'static, SentInput>>,
    queue: InputQueue,
    /// The sender of the last piece, for the next one.
    sender: Option<Box<InputSender>>,
}

/// The execution that commands are for, and its user.
#[derive(Clone)]
struct Target {
    state: web::Data<AppState>,
    user: UserId,
    id: ExecutionId,
}

impl Commands {
    /// No commands yet.
    pub(super) fn new(state: web::Data<AppState>, user: UserId, id: ExecutionId) -> Self {
        Self {
            target: Target { state, user, id },
            running: None,
            input: None,
            queue: InputQueue::default(),
            sender: None,
        }
    }

    /// The user whose commands these are.
    pub(super) const fn user(&self) -> &UserId {
        &self.target.user
    }

    /// Whether one more message of the client may be read.
    pub(super) const fn have_capacity(&self) -> bool {
        self.running.is_none() && self.queue.has_capacity()
    }

    /// Waits for the next result, without end if nothing is being carried out. Cancel-safe.
    pub(super) async fn next(&mut self) -> CommandResult {
        tokio::select! {
            Some(result) = OptionFuture::from(self.running.as_mut()) => {
                self.running = None;
                result
            }
            Some(sent) = OptionFuture::from(self.input.as_mut()) => {
                self.input = None;
                CommandResult::Input(sent.map(|(sender, reply)| {
                    self.sender = Some(sender);
                    reply
                }))
            }
            else => pending().await,
        }
    }

    /// Stops the execution.
    pub(super) fn cancel(&mut self) {
        let Target { state, user, id } = self.target.clone();
        self.running = Some(Box::pin(async move {
            let cancelled = state.ports.executions.cancel(&user, id).await;
            CommandResult::Cancelled(cancelled.map(drop))
        }));
    }

    /// Verifies a fresh token.
    pub(super) fn verify(&mut self, token: BearerToken) {
        let state = self.target.state.clone();
        self.running = Some(Box::pin(async move {
            CommandResult::Verified(verify(&token, &state).await)
        }));
    }

    /// Puts input or a ping behind the input that waits.
    pub(super) fn enqueue(&mut self, input: QueuedInput) {
        self.queue.push(input);
    }

    /// Starts to send the next piece, unless one is being sent. Returns whether a ping comes first, whose pong is now due:
    /// all input before it is stored.
    pub(super) fn send_next(&mut self) -> bool {
        if self.input.is_some() {
            return false;
        }
        match self.queue.pop() {
            None => false,
            Some(QueuedInput::Ping) => true,
            Some(QueuedInput::Piece(piece)) => {
                let sending = send_input(self.target.clone(), self.sender.take(), piece);
                self.input = Some(Box::pin(sending));
                false
            }
        }
    }
}

/// Sends one piece, and retries while the relay is full or fails for a short time.
async fn send_input(
    target: Target,
    sender: Option<Box<InputSender>>,
    piece: InputPiece,
) -> SentInput {
    let mut sender = if let Some(sender) = sender {
        sender
    } else {
        let executions = &target.state.ports.executions;
        let opened = executions.input_sender(&target.user, target.id).await;
        Box::new(opened?)
    };
    let mut failing_since = None;
    loop {
        match sender.send(piece.clone()).await {
            Ok(InputReply::Full) => failing_since = None,
            Ok(
                reply @ (InputReply::Kept
                | InputReply::Ended
                | InputReply::NotInteractive
                | InputReply::Final
                | InputReply::Absent),
            ) => return Ok((sender, reply)),
            Err(error) => {
                let since: &mut Instant = failing_since.get_or_insert_with(Instant::now);
                if !error.kind().is_transient()
                    || since.elapsed() >= target.state.config.sockets.send
                {
                    return Err(CloseFrame::after_failure(error.kind(), &error));
                }
            }
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}
