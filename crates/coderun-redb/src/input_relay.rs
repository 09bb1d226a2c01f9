//! The [`InputRelay`] side of the backend.

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay, InputReply, Lease,
};

use crate::RedbBackend;
use crate::backend::BACKEND;
use crate::error::StepFault;

#[async_trait]
impl InputRelay for RedbBackend {
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        let piece = compact(&piece);
        self.step(move |ledger, now| ledger.send(id, input, piece, now))
            .await
            .map_err(unavailable)
    }

    /// What was read is not written: an attempt that comes after a restart begins anew.
    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        let lease = lease.clone();
        self.step(move |ledger, now| ledger.receive(&lease, after, now))
            .await
            .map_err(unavailable)?
    }

    /// Answers also when the lease is lost, so that the worker learns of that by reading.
    async fn input_available(&self, lease: &Lease, after: InputPosition) {
        let lease = lease.clone();
        let listener = self
            .hint(move |ledger, now| ledger.listen_for_input(&lease, after, now))
            .await;
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

fn unavailable(fault: StepFault) -> InputError {
    InputError::Unavailable {
        backend: BACKEND,
        source: Box::new(fault),
    }
}
