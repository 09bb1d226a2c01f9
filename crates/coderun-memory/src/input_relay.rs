//! The [`InputRelay`] side of the backend.

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay, InputReply, Lease,
};

use crate::MemoryBackend;

#[async_trait]
impl InputRelay for MemoryBackend {
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        let piece = compact(&piece);
        Ok(self.step(|ledger, now| ledger.send(id, input, piece, now)))
    }

    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        self.step(|ledger, now| ledger.receive(lease, after, now))
    }

    /// Answers also when the lease is lost, so that the worker learns of that by reading.
    async fn input_available(&self, lease: &Lease, after: InputPosition) {
        let listener = self.step(|ledger, now| ledger.listen_for_input(lease, after, now));
        if let Some(mut listener) = listener {
            listener.woken().await;
        }
    }
}

/// A piece in a buffer of its own: as a slice of a larger one it would keep more in memory than is counted.
fn compact(piece: &InputPiece) -> InputPiece {
    match piece {
        InputPiece::Data(bytes) => InputPiece::Data(Bytes::copy_from_slice(bytes)),
        InputPiece::End => InputPiece::End,
    }
}
