//! Hands out slots for running programs. Each slot has a user id that no other running program has.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::memory_budget::ReservedMemory;

/// All slots of a sandbox.
#[derive(Debug)]
pub(crate) struct Slots {
    /// All numbers are below it.
    end: u32,
    count: usize,
    free: Arc<Mutex<Vec<u32>>>,
    permits: Arc<Semaphore>,
    stuck: Arc<AtomicUsize>,
}

/// One slot. It is free again when this is dropped, which must be after everything in it has ended.
#[derive(Debug)]
pub(crate) struct Slot {
    /// It is unique as long as this lives.
    pub(crate) number: u32,
    /// The memory of the run, where it has a limit. Like the slot it is free when everything has ended.
    pub(crate) memory: Mutex<Option<ReservedMemory>>,
    free: Arc<Mutex<Vec<u32>>>,
    stuck: Arc<AtomicUsize>,
    /// Dropped after the number was given back.
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    /// Creates this many slots, at least one.
    pub(crate) fn new(count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).clamp(1, SLOTS_MAX);
        Self::numbered(0..count)
    }

    /// The number that is greater by one than the greatest of a slot.
    pub(crate) const fn end(&self) -> u32 {
        self.end
    }

    /// Creates this many slots that are told apart from these.
    pub(crate) fn beyond(&self, count: u32) -> Self {
        Self::numbered(self.end..self.end.saturating_add(count))
    }

    fn numbered(numbers: Range<u32>) -> Self {
        let end = numbers.end;
        let free: Vec<_> = numbers.rev().collect();
        Self {
            end,
            count: free.len(),
            permits: Arc::new(Semaphore::new(free.len())),
            free: Arc::new(Mutex::new(free)),
            stuck: Arc::default(),
        }
    }

    /// Waits until a slot is free, without taking it. Cancel-safe.
    pub(crate) async fn wait_for_free(&self) {
        // The semaphore is never closed.
        drop(self.permits.acquire().await);
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
            memory: Mutex::default(),
            free: Arc::clone(&self.free),
            stuck: Arc::clone(&self.stuck),
            _permit: permit,
        })
    }

    /// The reason to run nothing: too many of the slots are held by programs that were killed and have not ended.
    pub(crate) fn unusable_because(&self) -> Option<String> {
        let stuck = self.stuck.load(Ordering::Relaxed);
        let is_too_many = stuck >= STUCK_MAX.min(self.count);
        is_too_many.then(|| format!("{stuck} programs were killed and have not ended"))
    }
}

impl Slot {
    /// Counts the memory of the run among that of those which wait for persons. Returns whether it may wait.
    pub(crate) fn begin_waiting(&self) -> bool {
        let mut memory = self.memory.lock();
        memory.as_mut().is_none_or(ReservedMemory::begin_waiting)
    }

    pub(crate) fn end_waiting(&self) {
        if let Some(memory) = self.memory.lock().as_mut() {
            memory.end_waiting();
        }
    }

    /// Counts the slot as one that is held by a killed program, until the answer is dropped.
    pub(crate) fn mark_stuck(&self) -> StuckMark {
        self.stuck.fetch_add(1, Ordering::Relaxed);
        StuckMark(Arc::clone(&self.stuck))
    }
}

/// Counts a slot as stuck for as long as it lives.
#[derive(Debug)]
pub(crate) struct StuckMark(Arc<AtomicUsize>);

impl Drop for StuckMark {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.free.lock().push(self.number);
    }
}

/// The most slots: more than any machine can use, and fewer than a range of ids may have.
const SLOTS_MAX: u32 = 4096;

/// The most slots that killed programs may hold before nothing is run any more: each may keep the memory of a program.
const STUCK_MAX: usize = 8;

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

    #[test]
    fn slots_are_unusable_while_killed_programs_hold_too_many() {
        for (count, stuck_max) in [(2, 2), (100, STUCK_MAX)] {
            let slots = Slots::new(count);
            let taken: Vec<_> = (0..stuck_max).filter_map(|_| slots.try_take()).collect();
            let mut marks: Vec<_> = taken.iter().skip(1).map(Slot::mark_stuck).collect();
            assert_eq!(slots.unusable_because(), None);
            marks.push(taken[0].mark_stuck());
            let expected = format!("{stuck_max} programs were killed and have not ended");
            assert_eq!(slots.unusable_because(), Some(expected));
            marks.pop();
            assert_eq!(slots.unusable_because(), None);
        }
    }

    #[tokio::test]
    async fn more_slots_have_numbers_of_their_own() {
        let slots = Slots::new(2);
        let more = slots.beyond(2);
        let taken = [&slots, &slots, &more, &more].map(|slots| slots.try_take().unwrap());
        assert_eq!(taken.each_ref().map(|slot| slot.number), [0, 1, 2, 3]);
        assert!(more.try_take().is_none());
    }
}
