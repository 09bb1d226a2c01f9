//! Remembers where the next take starts, and which partitions it skips.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::layout::Partition;

/// How long takes skip a partition whose server did not answer: each attempt costs the others the patience of a call.
const SKIP_TIME: Duration = Duration::from_secs(10);

/// The state that all takes of one process share.
#[derive(Debug, Default)]
pub(crate) struct TakeState {
    next_partition: AtomicUsize,
    /// The work generation before the last take that found nothing.
    pub(crate) seen_generation: AtomicU64,
    skipped_until: Mutex<HashMap<usize, Instant>>,
}

impl TakeState {
    /// The index of the partition that the next take asks first.
    pub(crate) fn next_partition(&self) -> usize {
        self.next_partition.load(Ordering::Relaxed)
    }

    /// Makes the next take start after this partition.
    pub(crate) fn start_after(&self, partition: Partition) {
        let next = partition.index() + 1;
        self.next_partition.store(next, Ordering::Relaxed);
    }

    /// Whether takes skip this partition.
    pub(crate) fn is_skipped(&self, partition: Partition) -> bool {
        let skipped_until = self.skipped_until.lock();
        let until = skipped_until.get(&partition.index());
        until.is_some_and(|until| Instant::now() < *until)
    }

    /// Makes takes skip this partition for [`SKIP_TIME`].
    pub(crate) fn skip(&self, partition: Partition) {
        let until = Instant::now() + SKIP_TIME;
        self.skipped_until.lock().insert(partition.index(), until);
    }
}
