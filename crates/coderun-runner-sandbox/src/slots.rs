//! Hands out slots for running programs. Each slot has a user id that no other running program has.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// All slots of a sandbox.
#[derive(Debug)]
pub(crate) struct Slots {
    free: Arc<Mutex<Vec<u32>>>,
    permits: Arc<Semaphore>,
}

/// One slot. It is free again when this is dropped, which must be after everything in it has ended.
#[derive(Debug)]
pub(crate) struct Slot {
    /// It is below the count of slots, and unique as long as this lives.
    pub(crate) number: u32,
    free: Arc<Mutex<Vec<u32>>>,
    /// Dropped after the number was given back.
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    /// Creates this many slots, at least one.
    pub(crate) fn new(count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).clamp(1, SLOTS_MAX);
        Self {
            free: Arc::new(Mutex::new((0..count).rev().collect())),
            permits: Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(1))),
        }
    }

    /// Waits for a free slot; `None` if there was none in time. Cancel-safe.
    pub(crate) async fn take(&self, wait: Duration) -> Option<Slot> {
        let permit = timeout(wait, Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.ok()?.ok()?;
        self.slot(permit)
    }

    /// Takes a slot if one is free now.
    pub(crate) fn try_take(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        self.slot(permit)
    }

    fn slot(&self, permit: OwnedSemaphorePermit) -> Option<Slot> {
        let number = self.free.lock().pop()?;
        Some(Slot {
            number,
            free: Arc::clone(&self.free),
            _permit: permit,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.free.lock().push(self.number);
    }
}

/// The most slots: more than any machine can use, and fewer than a range of ids may have.
const SLOTS_MAX: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_is_exclusive_until_it_is_dropped() {
        let slots = Slots::new(2);
        let (one, other) = (slots.try_take().unwrap(), slots.try_take().unwrap());
        assert_ne!(one.number, other.number);
        assert!(slots.take(Duration::ZERO).await.is_none());
        let number = one.number;
        drop(one);
        assert_eq!(slots.take(Duration::ZERO).await.unwrap().number, number);
    }
}
