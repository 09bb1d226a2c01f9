//! Sends what a user types to a running program.

use std::sync::Arc;

use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputRelay, InputReply, SenderId, UserId,
};

use super::{AccessError, Executions};

impl Executions {
    /// Makes a sender to the stdin of an execution of the user.
    ///
    /// # Errors
    /// [`AccessError`] if the execution does not exist, belongs to another user, or the store fails.
    pub async fn input_sender(
        &self,
        user: &UserId,
        id: ExecutionId,
    ) -> Result<InputSender, AccessError> {
        self.read(user, id).await?;
        let secret = self.ports.ids.secret();
        let sender = secret.first_chunk().copied().unwrap_or_default();
        Ok(InputSender {
            relay: Arc::clone(&self.ports.inputs),
            id,
            next: InputId {
                sender: SenderId::from_number(u128::from_be_bytes(sender)),
                number: 1,
            },
        })
    }
}

/// Sends input to the stdin of one execution, each piece once and in order.
#[derive(Debug)]
pub struct InputSender {
    relay: Arc<dyn InputRelay>,
    id: ExecutionId,
    next: InputId,
}

impl InputSender {
    /// Sends a piece behind all earlier ones. An empty piece is dropped.
    ///
    /// After [`InputReply::Full`] or an error only the same piece may be sent next; the relay keeps it once.
    ///
    /// # Errors
    /// [`InputError::Unavailable`].
    pub async fn send(&mut self, piece: InputPiece) -> Result<InputReply, InputError> {
        if matches!(&piece, InputPiece::Data(bytes) if bytes.is_empty()) {
            return Ok(InputReply::Kept);
        }
        let reply = self.relay.send(self.id, self.next, piece).await?;
        if reply == InputReply::Kept {
            self.next.number += 1;
        }
        Ok(reply)
    }
}
