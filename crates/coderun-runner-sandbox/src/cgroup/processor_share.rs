//! Computes how much of the processors a stage gets while others want them too.

use std::num::NonZero;
use std::time::Duration;

/// The share of one stage. All stages of a service have the same.
///
/// The scheduler shares processors among groups by their weights. All stages together weigh as much as one ordinary task for
/// each processor, so that the service keeps its share of them however many programs run. None weighs less than an eighth of
/// an ordinary task, beside which it could not run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessorShare {
    processors: u64,
    slots: u64,
    /// The CPU time that a stage gets in each [`PERIOD`] at most; `None` if there is no such limit.
    pub(super) quota: Option<Duration>,
}

/// The time for which the kernel is given a quota. It is the kernel's default.
pub(super) const PERIOD: Duration = Duration::from_millis(100);

/// A stage weighs at least this part of an ordinary task.
const LEAST_PART: u64 = 8;

impl ProcessorShare {
    /// The share of each of this many stages at a time. A stage gets no more than some thousandths of a processor, if given.
    pub(crate) fn new(
        processors: NonZero<u32>,
        slots: usize,
        millicores: Option<NonZero<u32>>,
    ) -> Self {
        Self {
            processors: processors.get().into(),
            slots: u64::try_from(slots).unwrap_or(u64::MAX).max(1),
            quota: millicores.map(|millicores| PERIOD * millicores.get() / 1000),
        }
    }

    /// The weight, where this is that of an ordinary task.
    pub(super) fn weight(&self, ordinary: u64) -> u64 {
        (ordinary * self.processors / self.slots).clamp(ordinary / LEAST_PART, ordinary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(processors: u32, slots: usize) -> ProcessorShare {
        ProcessorShare::new(NonZero::new(processors).unwrap(), slots, NonZero::new(500))
    }

    #[test]
    fn all_stages_together_weigh_as_one_task_for_each_processor() {
        assert_eq!(share(2, 2).weight(1024), 1024);
        assert_eq!(share(8, 2).weight(1024), 1024);
        assert_eq!(share(2, 8).weight(1024), 256);
        assert_eq!(share(2, 64).weight(1024), 128);
        assert_eq!(share(2, 4096).weight(100), 12);
    }

    #[test]
    fn a_quota_is_a_part_of_the_period() {
        assert_eq!(share(2, 2).quota, Some(Duration::from_millis(50)));
    }
}
