//! Defines the commands of a client that take a while, and sends input.
//!
//! While a command runs, nothing more is read from the socket. A client that types faster than its program reads is therefore
//! slowed down by its own connection, and events still reach it.

use std::sync::Arc;
use std::time::Duration;

use coderun_app::{AccessError, Executions, InputSender};
use coderun_domain::{Admission, ExecutionId, InputPiece, InputReply, UserId};
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::CloseFrame;
use super::failures::{access_failed, failed};
use crate::watching::AdmissionError;

/// How long to wait before the same input is sent again to a program that has not read the earlier input.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// A command that is being carried out for a client.
pub(super) type PendingCommand = LocalBoxFuture<'static, CommandResult>;

/// The result of a command.
pub(super) enum CommandResult {
    /// The answer to `cancel`.
    Cancelled(Result<(), AccessError>),
    /// The answer to a piece of input. The sender is kept for the next piece.
    Input(Result<(Box<InputSender>, InputReply), CloseFrame>),
    /// The answer to a fresh token.
    Verified(Result<Admission, AdmissionError>),
}

/// The execution that input is sent to.
pub(super) struct InputTarget {
    pub(super) executions: Arc<Executions>,
    pub(super) user: UserId,
    pub(super) id: ExecutionId,
    /// How long sending is retried while the relay fails.
    pub(super) retry_for: Duration,
}

/// Sends one piece, and retries while the relay is full or fails for a short time.
pub(super) async fn send_input(
    target: InputTarget,
    sender: Option<Box<InputSender>>,
    piece: InputPiece,
) -> Result<(Box<InputSender>, InputReply), CloseFrame> {
    let mut sender = if let Some(sender) = sender {
        sender
    } else {
        let opened = target
            .executions
            .input_sender(&target.user, target.id)
            .await;
        Box::new(opened.map_err(|error| access_failed(&error))?)
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
                if !error.kind().is_transient() || since.elapsed() >= target.retry_for {
                    return Err(failed(error.kind(), &error));
                }
            }
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}
