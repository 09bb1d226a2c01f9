//! A relay that keeps what was typed, with switches for trouble.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay, InputReply, Lease,
};

#[derive(Debug, Default)]
pub(crate) struct Relay {
    kept: Mutex<Vec<(InputId, InputPiece)>>,
    /// What is answered in place of keeping anything.
    reply: Mutex<Option<InputReply>>,
    down: AtomicBool,
    /// The next reply is lost: what was sent is kept, and the sender does not learn it.
    lossy: AtomicBool,
    asked: AtomicUsize,
}

impl Relay {
    /// From now on this is the answer; `None` is the truth.
    pub(crate) fn answer(&self, reply: Option<InputReply>) {
        *lock(&self.reply) = reply;
    }

    pub(crate) fn break_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn lose_next_reply(&self) {
        self.lossy.store(true, Ordering::SeqCst);
    }

    /// How often something was sent.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// What was typed, with its end as `$`.
    pub(crate) fn typed(&self) -> String {
        let kept = lock(&self.kept);
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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl InputRelay for Relay {
    async fn send(
        &self,
        _id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(Self::unavailable());
        }
        if let Some(reply) = *lock(&self.reply) {
            return Ok(reply);
        }
        let mut kept = lock(&self.kept);
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
}
