//! What a user types while a program runs.

use std::sync::Arc;

use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputRelay, InputReply, SenderId, UserId,
};

use super::{AccessError, Executions};

impl Executions {
    /// Opens a way to the stdin of an execution of the user.
    ///
    /// # Errors
    /// [`AccessError`] if there is none, it is another user's, or the store cannot tell.
    pub async fn console(&self, user: &UserId, id: ExecutionId) -> Result<Console, AccessError> {
        self.read(user, id).await?;
        let secret = self.ports.ids.secret();
        let sender = secret.first_chunk().copied().unwrap_or_default();
        Ok(Console {
            relay: Arc::clone(&self.ports.inputs),
            id,
            next: InputId {
                sender: SenderId::from_number(u128::from_be_bytes(sender)),
                number: 1,
            },
        })
    }
}

/// One sender's way to the stdin of an execution.
#[derive(Debug)]
pub struct Console {
    relay: Arc<dyn InputRelay>,
    id: ExecutionId,
    next: InputId,
}

impl Console {
    /// Sends a piece behind all that was sent before; nothing is sent if it is empty.
    ///
    /// After [`InputReply::Full`] or an error only the same piece may be sent next; it is kept once.
    ///
    /// # Errors
    /// [`InputError::Unavailable`].
    pub async fn send(&mut self, piece: InputPiece) -> Result<InputReply, InputError> {
        if matches!(&piece, InputPiece::Data(bytes) if bytes.is_empty()) {
            return Ok(InputReply::Kept);
        }
        let reply = self.relay.send(self.id, self.next, piece).await?;
        match reply {
            InputReply::Kept => self.next.number += 1,
            InputReply::Full
            | InputReply::Ended
            | InputReply::NotInteractive
            | InputReply::Final
            | InputReply::Absent => {}
        }
        Ok(reply)
    }
}
