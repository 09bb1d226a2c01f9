//! Fakes an input relay that keeps its input, with switches for failures.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay, InputReply, Lease,
};
use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Relay {
    kept: Mutex<Vec<(InputId, InputPiece)>>,
    /// The reply to all input, which is then not kept.
    reply: Mutex<Option<InputReply>>,
    down: AtomicBool,
    /// Whether the next reply is lost although the input is kept.
    lossy: AtomicBool,
    sends: AtomicUsize,
    watched: Mutex<Vec<ExecutionId>>,
}

impl Relay {
    /// Sets the reply to all further input; `None` keeps input again.
    pub(crate) fn answer(&self, reply: Option<InputReply>) {
        *self.reply.lock() = reply;
    }

    pub(crate) fn break_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn lose_next_reply(&self) {
        self.lossy.store(true, Ordering::SeqCst);
    }

    /// The number of attempts to send input.
    pub(crate) fn sends(&self) -> usize {
        self.sends.load(Ordering::SeqCst)
    }

    /// How often an execution was noted as watched.
    pub(crate) fn times_watched(&self, id: ExecutionId) -> usize {
        self.watched.lock().iter().filter(|it| **it == id).count()
    }

    /// The kept input, with its end as `$`.
    pub(crate) fn input(&self) -> String {
        let kept = self.kept.lock();
        let pieces = kept.iter().map(|(_, piece)| match piece {
            InputPiece::Data(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            InputPiece::End => "$".to_owned(),
        });
        pieces.collect()
    }

    fn unavailable() -> InputError {
        InputError::Unavailable {
            backend: "fake",
            source: "connection refused".into(),
        }
    }
}

#[async_trait]
impl InputRelay for Relay {
    async fn send(
        &self,
        _id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        self.sends.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(Self::unavailable());
        }
        if let Some(reply) = *self.reply.lock() {
            return Ok(reply);
        }
        let mut kept = self.kept.lock();
        if !kept.iter().any(|(known, _)| *known == input) {
            kept.push((input, piece));
        }
        drop(kept);
        if self.lossy.swap(false, Ordering::SeqCst) {
            return Err(Self::unavailable());
        }
        Ok(InputReply::Kept)
    }

    async fn receive(
        &self,
        _lease: &Lease,
        _after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        Ok(Vec::new())
    }

    async fn input_available(&self, _lease: &Lease, _after: InputPosition) {
        std::future::pending::<()>().await;
    }

    async fn note_watcher(&self, id: ExecutionId) -> Result<(), InputError> {
        self.watched.lock().push(id);
        Ok(())
    }

    async fn unwatched_for(&self, _id: ExecutionId) -> Result<Option<Duration>, InputError> {
        Ok(None)
    }
}
