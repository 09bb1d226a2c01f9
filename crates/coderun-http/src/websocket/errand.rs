//! What a client asked for and what takes a while: done one at a time, and while one is under way nothing more is read.
//!
//! So a client that types faster than its program reads is held up by its own connection, and events go on meanwhile.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use coderun_app::{AccessError, Console, Executions};
use coderun_domain::{
    Admission, BearerToken, CancelReply, ExecutionId, InputError, InputPiece, InputReply, UserId,
};
use tokio::time::Instant;

use crate::state::AppState;
use crate::watching::{AdmissionError, verify};

/// When the same is sent again to a program that has not read what came before.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Something that is being done for a client.
pub(super) struct Errand(Pin<Box<dyn Future<Output = Done>>>);

/// What came of it.
pub(super) enum Done {
    /// The execution was cancelled, or not.
    Cancelled(Result<CancelReply, AccessError>),
    /// Something was typed. The console is for the next piece.
    Typed {
        console: Option<Console>,
        reply: Result<InputReply, TypingError>,
    },
    /// A fresh token was verified, or not.
    Verified(Result<Admission, AdmissionError>),
}

/// Why something typed could not be passed on.
pub(super) enum TypingError {
    Access(AccessError),
    Input(InputError),
}

/// Where what is typed goes.
pub(super) struct Typing {
    pub(super) executions: Arc<Executions>,
    pub(super) user: UserId,
    pub(super) id: ExecutionId,
    /// For how long a relay that fails is asked again.
    pub(super) patience: Duration,
}

impl Errand {
    pub(super) fn cancel(executions: Arc<Executions>, user: UserId, id: ExecutionId) -> Self {
        Self(Box::pin(async move {
            Done::Cancelled(executions.cancel(&user, id).await)
        }))
    }

    pub(super) fn verify(token: BearerToken, state: web::Data<AppState>) -> Self {
        Self(Box::pin(async move {
            Done::Verified(verify(&token, &state).await)
        }))
    }

    pub(super) fn deliver(typing: Typing, console: Option<Console>, piece: InputPiece) -> Self {
        Self(Box::pin(async move {
            match typing.open(console).await {
                Err(error) => Done::Typed {
                    console: None,
                    reply: Err(TypingError::Access(error)),
                },
                Ok(mut console) => {
                    let reply = deliver(&mut console, piece, typing.patience).await;
                    Done::Typed {
                        console: Some(console),
                        reply: reply.map_err(TypingError::Input),
                    }
                }
            }
        }))
    }

    /// Waits until it is done. Cancel-safe.
    pub(super) async fn done(&mut self) -> Done {
        self.0.as_mut().await
    }
}

impl Typing {
    async fn open(&self, console: Option<Console>) -> Result<Console, AccessError> {
        match console {
            Some(console) => Ok(console),
            None => self.executions.console(&self.user, self.id).await,
        }
    }
}

/// Sends one piece again and again until there is room for it, and past short failures.
async fn deliver(
    console: &mut Console,
    piece: InputPiece,
    patience: Duration,
) -> Result<InputReply, InputError> {
    let mut failing_since = None;
    loop {
        match console.send(piece.clone()).await {
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
                if !error.is_transient() || since.elapsed() >= patience {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}
