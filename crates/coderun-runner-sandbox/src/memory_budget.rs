//! Keeps the memory limits of all living runs together within a budget.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{ByteSize, Limits, StageLimits, StorageLimits, UserId};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::cgroup::memory_limits_above;

/// The memory of all runs together. Runs that wait for it take turns, so that a large one does not wait for ever: those that
/// come later wait behind it. An eighth is kept for small runs, which need not wait behind large ones. A user has at most half
/// of it, or one run, and waits for more without delaying others.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    total: ByteSize,
    /// A permit for each MiB, without what is kept for small runs.
    free: Arc<Semaphore>,
    /// The permits of `free`, whether they are taken or not.
    shared: u32,
    free_for_small: Arc<Semaphore>,
    /// What is left of the half that each user may have; of those who have some.
    free_by_user: Mutex<HashMap<UserId, Arc<Semaphore>>>,
    /// The part that runs may have while they wait for persons: the rest is for those that go on.
    free_for_waiting: Arc<Semaphore>,
}

/// The memory of one run, until this is dropped.
#[derive(Debug)]
pub(crate) struct ReservedMemory {
    permit: OwnedSemaphorePermit,
    /// Of what is kept for small runs, if this run has more than all else.
    rest: Option<OwnedSemaphorePermit>,
    /// Of the half of its user. It keeps that half in the map.
    of_user: OwnedSemaphorePermit,
    free_for_waiting: Arc<Semaphore>,
    for_waiting: Option<OwnedSemaphorePermit>,
}

impl MemoryBudget {
    pub(crate) fn new(total: ByteSize) -> Self {
        let units = units(total);
        let for_small = Some(units / 8).filter(|part| *part >= SMALL_UNITS);
        let shared = units - for_small.unwrap_or(0);
        Self {
            total,
            free: semaphore(shared),
            shared,
            free_for_small: semaphore(for_small.unwrap_or(0)),
            free_by_user: Mutex::default(),
            free_for_waiting: semaphore(units / 2),
        }
    }

    /// Three quarters of the memory of this machine, or of the control group of this process, whichever has less.
    pub(crate) fn of_this_machine() -> Self {
        let machine = machine_memory("/proc/meminfo").into_iter();
        let least = machine.chain(memory_limits_above()).min();
        let mib = least.map_or(u64::MAX, |bytes| bytes / 4 * 3) >> UNIT_SHIFT;
        Self::new(ByteSize::from_mib(mib.max(1)))
    }

    pub(crate) const fn total(&self) -> ByteSize {
        self.total
    }

    /// Whether no run with so much memory could ever begin.
    pub(crate) fn is_below(&self, wanted: ByteSize) -> bool {
        wanted > self.total
    }

    /// The limits that have no bound but that of the memory.
    pub(crate) fn as_limits(&self) -> Option<Limits> {
        let stage = StageLimits::new(UNBOUNDED, UNBOUNDED, self.total, u32::MAX).ok()?;
        let size = ByteSize::from_bytes(u64::MAX);
        Some(Limits {
            run: stage,
            compile: stage,
            storage: StorageLimits::new(size, size, size, u32::MAX).ok()?,
        })
    }

    /// Waits for this much memory for a run of this user; `None` if there was not enough in time. Cancel-safe, but then the
    /// turn is lost.
    pub(crate) async fn reserve(
        &self,
        user: &UserId,
        wanted: ByteSize,
        wait: Duration,
    ) -> Option<ReservedMemory> {
        let units = units(wanted);
        let of_user = self
            .half_of(user)
            .acquire_many_owned(units.min(self.half()));
        let acquire = async {
            let of_user = of_user.await.ok()?;
            let (permit, rest) = self.take(units).await?;
            Some((permit, rest, of_user))
        };
        let (permit, rest, of_user) = timeout(wait, acquire).await.ok()??;
        Some(ReservedMemory {
            permit,
            rest,
            of_user,
            free_for_waiting: Arc::clone(&self.free_for_waiting),
            for_waiting: None,
        })
    }

    /// Waits for memory: a small run for what is kept for such, too; one that is larger than the rest for that after it.
    async fn take(
        &self,
        units: u32,
    ) -> Option<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)> {
        let of = |free: &Arc<Semaphore>, units| Arc::clone(free).acquire_many_owned(units);
        if units <= SMALL_UNITS && self.shared < self::units(self.total) {
            let permit = tokio::select! {
                biased;
                permit = of(&self.free, units) => permit,
                permit = of(&self.free_for_small, units) => permit,
            };
            return Some((permit.ok()?, None));
        }
        let permit = of(&self.free, units.min(self.shared)).await.ok()?;
        let rest = match units.checked_sub(self.shared) {
            None | Some(0) => None,
            Some(rest) => Some(of(&self.free_for_small, rest).await.ok()?),
        };
        Some((permit, rest))
    }

    fn half(&self) -> u32 {
        (units(self.total) / 2).max(1)
    }

    fn half_of(&self, user: &UserId) -> Arc<Semaphore> {
        let mut free_by_user = self.free_by_user.lock();
        if let Some(free) = free_by_user.get(user) {
            return Arc::clone(free);
        }
        free_by_user.retain(|_, free| Arc::strong_count(free) > 1);
        let free = semaphore(self.half());
        free_by_user.insert(user.clone(), Arc::clone(&free));
        free
    }
}

impl ReservedMemory {
    /// Gives back what is more than this.
    pub(crate) fn shrink_to(&mut self, wanted: ByteSize) {
        let wanted = usize::try_from(units(wanted)).unwrap_or(usize::MAX);
        shrink(&mut self.of_user, wanted);
        if let Some(rest) = &mut self.rest {
            shrink(rest, wanted.saturating_sub(self.permit.num_permits()));
        }
        shrink(&mut self.permit, wanted);
    }

    fn units(&self) -> usize {
        let rest = self
            .rest
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        self.permit.num_permits() + rest
    }

    /// Counts it among those of runs that wait for persons, unless those would have too much. Returns whether it did.
    pub(crate) fn begin_waiting(&mut self) -> bool {
        let units = u32::try_from(self.units()).unwrap_or(u32::MAX);
        let acquired = Arc::clone(&self.free_for_waiting).try_acquire_many_owned(units);
        self.for_waiting = acquired.ok();
        self.for_waiting.is_some()
    }

    pub(crate) fn end_waiting(&mut self) {
        self.for_waiting = None;
    }
}

/// Memory is counted in MiB, so that the number fits.
const UNIT_SHIFT: u32 = 20;

/// A run with the default limit is small. Where an eighth of the budget is less, nothing is kept for such runs.
const SMALL_UNITS: u32 = 256;

const UNBOUNDED: Duration = Duration::from_secs(u32::MAX as u64);

fn units(memory: ByteSize) -> u32 {
    let units = memory.as_bytes().div_ceil(1 << UNIT_SHIFT);
    u32::try_from(units).unwrap_or(u32::MAX)
}

fn semaphore(units: u32) -> Arc<Semaphore> {
    let permits = usize::try_from(units).unwrap_or(Semaphore::MAX_PERMITS);
    Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)))
}

fn shrink(permit: &mut OwnedSemaphorePermit, wanted: usize) {
    let excess = permit.num_permits().saturating_sub(wanted);
    drop(permit.split(excess));
}

/// The memory of the machine, in bytes.
fn machine_memory(meminfo: impl AsRef<Path>) -> Option<u64> {
    let text = fs::read_to_string(meminfo).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use coderun_domain::testing::user;
    use futures_util::FutureExt as _;

    use super::*;

    const MIB: ByteSize = ByteSize::from_mib(1);
    const AT_ONCE: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_mins(1);

    fn budget(mib: u64) -> MemoryBudget {
        MemoryBudget::new(ByteSize::from_mib(mib))
    }

    /// Reserves memory for the only run of a user.
    async fn reserve(budget: &MemoryBudget, mib: u64) -> Option<ReservedMemory> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        reserve_for(budget, &format!("user{number}"), mib).await
    }

    async fn reserve_for(budget: &MemoryBudget, name: &str, mib: u64) -> Option<ReservedMemory> {
        let size = ByteSize::from_mib(mib);
        budget.reserve(&user(name), size, AT_ONCE).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_with_half_of_it_delays_no_other() {
        let budget = budget(100);
        let mut first = reserve_for(&budget, "alice", 40).await.unwrap();
        let alice = user("alice");
        let mut second = Box::pin(budget.reserve(&alice, ByteSize::from_mib(11), LONG));
        assert!((&mut second).now_or_never().is_none());
        assert!(reserve_for(&budget, "bob", 50).await.is_some());
        first.shrink_to(ByteSize::from_mib(39));
        assert!(second.await.is_some());
        drop(first);
        // One run may have more than half.
        assert!(reserve_for(&budget, "alice", 100).await.is_some());
        assert!(reserve_for(&budget, "carol", 1).await.is_some());
        assert!(!budget.free_by_user.lock().contains_key(&alice));
    }

    #[tokio::test(start_paused = true)]
    async fn runs_together_never_have_more_than_the_budget() {
        let budget = budget(100);
        let mut first = reserve(&budget, 60).await.unwrap();
        assert!(reserve(&budget, 41).await.is_none());
        let _second = reserve(&budget, 40).await.unwrap();
        first.shrink_to(ByteSize::from_mib(50));
        assert!(reserve(&budget, 11).await.is_none());
        assert!(reserve(&budget, 10).await.is_some());
        drop(first);
        assert!(reserve(&budget, 60).await.is_some());
        assert!(
            budget.is_below(ByteSize::from_mib(101)) && !budget.is_below(ByteSize::from_mib(100))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_run_is_not_passed_by_small_ones() {
        let budget = budget(100);
        let (alice, bob) = (user("alice"), user("bob"));
        let first = reserve(&budget, 60).await.unwrap();
        let mut large = Box::pin(budget.reserve(&alice, ByteSize::from_mib(90), LONG));
        assert!((&mut large).now_or_never().is_none());
        let mut small = Box::pin(budget.reserve(&bob, MIB, LONG));
        assert!((&mut small).now_or_never().is_none());
        drop(first);
        let large = large.await;
        assert!(large.is_some() && small.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_run_does_not_wait_behind_large_ones() {
        let budget = budget(4096);
        let _large: Vec<_> = [
            reserve(&budget, 1024).await.unwrap(),
            reserve(&budget, 1024).await.unwrap(),
            reserve(&budget, 1024).await.unwrap(),
        ]
        .into();
        let alice = user("alice");
        let mut waiting = Box::pin(budget.reserve(&alice, ByteSize::from_mib(1024), LONG));
        assert!((&mut waiting).now_or_never().is_none());
        let one = reserve(&budget, 256).await;
        let other = reserve(&budget, 256).await;
        assert!(one.is_some() && other.is_some());
        assert!(reserve(&budget, 256).await.is_none());
        drop(one);
        assert!(reserve(&budget, 257).await.is_none());
        assert!(reserve(&budget, 256).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_run_may_have_all_and_gives_back_what_is_kept_for_small_ones_first() {
        let budget = budget(4096);
        let mut all = reserve(&budget, 4096).await.unwrap();
        assert!(reserve(&budget, 1).await.is_none());
        all.shrink_to(ByteSize::from_mib(3584));
        let small = (reserve(&budget, 256).await, reserve(&budget, 256).await);
        assert!(small.0.is_some() && small.1.is_some());
        assert!(reserve(&budget, 1).await.is_none());
        all.shrink_to(MIB);
        assert!(reserve(&budget, 3583).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn runs_that_wait_for_persons_leave_half_of_it_to_others() {
        let budget = budget(100);
        let (mut one, mut other) = (
            reserve(&budget, 30).await.unwrap(),
            reserve(&budget, 30).await.unwrap(),
        );
        assert!(one.begin_waiting() && !other.begin_waiting());
        one.end_waiting();
        assert!(other.begin_waiting());
        drop(other);
        assert!(one.begin_waiting());
    }

    #[test]
    fn the_memory_of_the_machine_is_known() {
        let mib = MemoryBudget::of_this_machine().total().as_bytes() >> UNIT_SHIFT;
        assert!((64..1 << 32).contains(&mib), "{mib} MiB");
    }
}
