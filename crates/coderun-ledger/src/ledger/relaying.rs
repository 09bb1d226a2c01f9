//! Keeps the input of running programs until their workers read it.

use std::time::Duration;

use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputPosition, InputReply, Lease, State,
};

use super::Ledger;
use super::record::Record;
use crate::wake::WakeListener;

impl Ledger {
    /// Keeps a piece for the program of a live interactive execution.
    pub(crate) fn send(
        &mut self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> InputReply {
        let Some(record) = self.find(id) else {
            return InputReply::Absent;
        };
        if !record.execution.submission().is_interactive() {
            return InputReply::NotInteractive;
        }
        // The next attempt reads again what an earlier one has read.
        let reader = match record.execution.state() {
            State::Pending => None,
            State::Running { .. } => Some(record.execution.attempt()),
            State::Final { .. } => return InputReply::Final,
        };
        let log = record.input.get_or_insert_default();
        let reply = log.send(input, piece, reader);
        self.note_change(id);
        reply
    }

    /// The input after a position, for the holder of this lease.
    pub(crate) fn receive(
        &mut self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        let held = self.held(lease);
        let record = held.map_err(|_| InputError::LeaseLost)?;
        match &mut record.input {
            Some(input) => input.receive(after, lease.attempt()),
            None => Ok(Vec::new()),
        }
    }

    /// A listener for input after a position; `None` if there is input already, or the lease is lost.
    pub(crate) fn listen_for_input(
        &mut self,
        lease: &Lease,
        after: InputPosition,
    ) -> Option<WakeListener> {
        let record = self.held(lease).ok()?;
        record.input.get_or_insert_default().listen_after(after)
    }

    /// Notes that somebody watches a live interactive execution now.
    pub(crate) fn note_watcher(&mut self, id: ExecutionId) {
        let now = self.now;
        let record = self.find(id);
        let takes_input = |record: &&mut Record| {
            let execution = &record.execution;
            execution.submission().is_interactive() && !execution.status().is_final()
        };
        if let Some(record) = record.filter(takes_input) {
            record.watched_at = Some(now);
        }
    }

    /// The time since the last such note.
    pub(crate) fn unwatched_for(&mut self, id: ExecutionId) -> Option<Duration> {
        let now = self.now;
        let watched_at = self.find(id)?.watched_at?;
        Some(Duration::try_from(now - watched_at).unwrap_or_default())
    }
}
