//! Runs the commands of a client that take a while, one at a time.
//!
//! While a command runs, nothing more is read from the socket. A client that types faster than its program reads is therefore
//! slowed down by its own connection, and events still reach it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use coderun_app::{AccessError, Executions, InputSender};
use coderun_domain::{
    Admission, BearerToken, CancelReply, ExecutionId, InputError, InputPiece, InputReply, UserId,
};
use tokio::time::Instant;

use crate::state::AppState;
use crate::watching::{AdmissionError, verify};

/// How long to wait before the same input is sent again to a program that has not read the earlier input.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// A command that is being carried out for a client.
pub(super) struct PendingCommand(Pin<Box<dyn Future<Output = CommandResult>>>);

/// The result of a command.
pub(super) enum CommandResult {
    /// The answer to `cancel`.
    Cancelled(Result<CancelReply, AccessError>),
    /// The answer to a piece of input. The sender is kept for the next piece.
    Input {
        sender: Option<InputSender>,
        reply: Result<InputReply, InputSendError>,
    },
    /// The answer to a fresh token.
    Verified(Result<Admission, AdmissionError>),
}

/// Why a piece of input could not be passed on.
pub(super) enum InputSendError {
    Access(AccessError),
    Input(InputError),
}

/// The execution that input is sent to.
pub(super) struct InputTarget {
    pub(super) executions: Arc<Executions>,
    pub(super) user: UserId,
    pub(super) id: ExecutionId,
    /// How long sending is retried while the relay fails.
    pub(super) retry_for: Duration,
}

impl PendingCommand {
    pub(super) fn cancel(executions: Arc<Executions>, user: UserId, id: ExecutionId) -> Self {
        Self(Box::pin(async move {
            CommandResult::Cancelled(executions.cancel(&user, id).await)
        }))
    }

    pub(super) fn verify(token: BearerToken, state: web::Data<AppState>) -> Self {
        Self(Box::pin(async move {
            CommandResult::Verified(verify(&token, &state).await)
        }))
    }

    pub(super) fn send_input(
        target: InputTarget,
        sender: Option<InputSender>,
        piece: InputPiece,
    ) -> Self {
        Self(Box::pin(async move {
            match target.open(sender).await {
                Err(error) => CommandResult::Input {
                    sender: None,
                    reply: Err(InputSendError::Access(error)),
                },
                Ok(mut sender) => {
                    let reply = send(&mut sender, piece, target.retry_for).await;
                    CommandResult::Input {
                        sender: Some(sender),
                        reply: reply.map_err(InputSendError::Input),
                    }
                }
            }
        }))
    }

    /// Waits for the result. Cancel-safe.
    pub(super) async fn result(&mut self) -> CommandResult {
        self.0.as_mut().await
    }
}

impl InputTarget {
    async fn open(&self, sender: Option<InputSender>) -> Result<InputSender, AccessError> {
        match sender {
            Some(sender) => Ok(sender),
            None => self.executions.input_sender(&self.user, self.id).await,
        }
    }
}

/// Sends one piece, and retries while the relay is full or fails for a short time.
async fn send(
    sender: &mut InputSender,
    piece: InputPiece,
    retry_for: Duration,
) -> Result<InputReply, InputError> {
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
            ) => return Ok(reply),
            Err(error) => {
                let since: &mut Instant = failing_since.get_or_insert_with(Instant::now);
                if !error.kind().is_transient() || since.elapsed() >= retry_for {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}
