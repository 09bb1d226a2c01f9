//! Implements the [`InputRelay`].

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay, InputReply, Lease,
};

use crate::access::LedgerAccess;
use crate::backend::{LedgerBackend, own_buffer};
use crate::ledger::Ledger;

#[async_trait]
impl<A: LedgerAccess> InputRelay for LedgerBackend<A> {
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        let piece = match &piece {
            InputPiece::Data(bytes) => InputPiece::Data(own_buffer(bytes)),
            InputPiece::End => InputPiece::End,
        };
        let send = move |ledger: &mut Ledger| Ok(ledger.send(id, input, piece));
        self.step("send_input", send).await
    }

    /// How far an attempt has read is not durable: an attempt that begins after a restart reads from the beginning.
    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        let lease = lease.clone();
        let receive = move |ledger: &mut Ledger| ledger.receive(&lease, after);
        self.step("receive_input", receive).await
    }

    /// Also returns when the lease is lost; the worker finds that out when it reads.
    async fn input_available(&self, lease: &Lease, after: InputPosition) {
        let lease = lease.clone();
        self.wait_for(move |ledger| ledger.listen_for_input(&lease, after))
            .await;
    }

    async fn note_watcher(&self, id: ExecutionId) -> Result<(), InputError> {
        let note = move |ledger: &mut Ledger| {
            ledger.note_watcher(id);
            Ok(())
        };
        self.step("note_watcher", note).await
    }

    async fn unwatched_for(&self, id: ExecutionId) -> Result<Option<Duration>, InputError> {
        let read = move |ledger: &mut Ledger| Ok(ledger.unwatched_for(id));
        self.step("unwatched_for", read).await
    }
}
