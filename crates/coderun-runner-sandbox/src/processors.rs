//! Chooses the processors of programs that get only some of them, so that as many as they count are what they get.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use rustix::thread::{CpuSet, sched_getaffinity};

/// The processors that programs may use.
#[derive(Debug)]
pub(crate) struct Processors {
    /// Of those that this process may use, how many programs were given each.
    programs_on: Arc<Mutex<BTreeMap<usize, usize>>>,
    /// How many one program may use.
    of_one_program: NonZero<u32>,
    /// Whether these are fewer than all.
    is_bounded: bool,
}

/// The processors of one program, until this is dropped.
#[derive(Debug)]
pub(crate) struct GivenProcessors {
    numbers: Vec<usize>,
    programs_on: Arc<Mutex<BTreeMap<usize, usize>>>,
}

impl Processors {
    /// The processors of this process, of which one program gets as many as it takes to have so many thousandths of one.
    pub(crate) fn of_this_process(millicores: Option<NonZero<u32>>) -> Self {
        let usable = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        let numbers = (0..CpuSet::MAX_CPU).filter(|number| usable.is_set(*number));
        Self::new(numbers, count(), millicores)
    }

    /// Of these processors, of which a quota may leave all programs together the time of fewer.
    fn new(
        numbers: impl Iterator<Item = usize>,
        all: NonZero<u32>,
        millicores: Option<NonZero<u32>>,
    ) -> Self {
        let programs_on: BTreeMap<_, _> = numbers.map(|number| (number, 0)).collect();
        let wanted = millicores.and_then(|it| NonZero::new(it.get().div_ceil(1000)));
        let of_one_program = wanted.unwrap_or(all).min(all);
        Self {
            is_bounded: usize::try_from(of_one_program.get())
                .is_ok_and(|given| given < programs_on.len()),
            programs_on: Arc::new(Mutex::new(programs_on)),
            of_one_program,
        }
    }

    /// How many one program may use.
    pub(crate) const fn of_one_program(&self) -> NonZero<u32> {
        self.of_one_program
    }

    /// Gives a program those that the fewest others were given; `None` if each may use all.
    pub(crate) fn give(&self) -> Option<GivenProcessors> {
        if !self.is_bounded {
            return None;
        }
        let mut programs_on = self.programs_on.lock();
        let mut fewest: Vec<_> = programs_on.iter_mut().collect();
        fewest.sort_by_key(|(_, programs)| **programs);
        let wanted = usize::try_from(self.of_one_program.get()).unwrap_or(usize::MAX);
        let given = fewest.into_iter().take(wanted).map(|(number, programs)| {
            *programs += 1;
            *number
        });
        let numbers = given.collect();
        drop(programs_on);
        Some(GivenProcessors {
            numbers,
            programs_on: Arc::clone(&self.programs_on),
        })
    }
}

impl GivenProcessors {
    /// Their numbers.
    pub(crate) fn numbers(&self) -> &[usize] {
        &self.numbers
    }
}

impl Drop for GivenProcessors {
    fn drop(&mut self) {
        let mut programs_on = self.programs_on.lock();
        for number in &self.numbers {
            if let Some(programs) = programs_on.get_mut(number) {
                *programs -= 1;
            }
        }
    }
}

/// How many processors this process may use.
pub(crate) fn count() -> NonZero<u32> {
    let count = thread::available_parallelism().ok();
    let count = count.and_then(|count| NonZero::try_from(count).ok());
    count.unwrap_or(NonZero::<u32>::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(processors: &Processors) -> GivenProcessors {
        processors.give().unwrap()
    }

    fn processors(all: u32, millicores: u32) -> Processors {
        let numbers = (0..all).map(|number| usize::try_from(number).unwrap() + 4);
        Processors::new(
            numbers,
            NonZero::new(all).unwrap(),
            NonZero::new(millicores),
        )
    }

    #[test]
    fn a_program_gets_those_that_the_fewest_have() {
        let processors = processors(3, 1500);
        assert_eq!(processors.of_one_program().get(), 2);
        let first = given(&processors);
        assert_eq!(first.numbers(), [4, 5]);
        let second = given(&processors);
        assert_eq!(second.numbers(), [6, 4]);
        drop(first);
        assert_eq!(given(&processors).numbers(), [5, 4]);
        drop(second);
        assert_eq!(given(&processors).numbers(), [4, 5]);
    }

    #[test]
    fn a_program_gets_as_many_as_it_counts_where_a_quota_allows_fewer_than_there_are() {
        for millicores in [0, 2000, 64_000] {
            let quota = NonZero::new(2).unwrap();
            let processors = Processors::new(0..8, quota, NonZero::new(millicores));
            assert_eq!(processors.of_one_program(), quota);
            assert_eq!(given(&processors).numbers(), [0, 1]);
        }
    }

    #[test]
    fn a_program_that_may_use_all_is_given_none() {
        for millicores in [0, 2000, 64_000] {
            let processors = processors(2, millicores);
            assert_eq!(processors.of_one_program().get(), 2);
            assert!(processors.give().is_none());
        }
    }
}
