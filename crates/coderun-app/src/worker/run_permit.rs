//! Lets a run give its permit to others while its program waits for a person.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use coderun_domain::UserId;
use futures_util::future::OptionFuture;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::settings::ParkingSettings;

/// The runs of a worker that have given their permits away, within the bounds of the settings.
#[derive(Debug)]
pub(super) struct ParkedRuns {
    settings: ParkingSettings,
    by_user: Mutex<HashMap<UserId, usize>>,
    /// How many of them want their permits back.
    returning: AtomicUsize,
}

/// The permit of one run, which may give it away and get it back.
///
/// Whoever drops this without [`into_permit`](Self::into_permit) frees the permit.
#[derive(Debug)]
pub(super) struct RunPermit {
    /// Of the worker.
    permits: Arc<Semaphore>,
    /// From which the run got its permit, if it is an extra one.
    extra_permits: Option<Arc<Semaphore>>,
    parked_runs: Arc<ParkedRuns>,
    user: UserId,
    state: Mutex<RunPermitState>,
    /// Wakes all who wait for another state.
    changed: Notify,
}

#[derive(Debug)]
struct RunPermitState {
    held: Option<OwnedSemaphorePermit>,
    standing: Standing,
    /// Whether the program waits for a person, with or without the permit.
    waits: bool,
}

/// Whether a run has its permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Holding,
    Parked,
    /// It was parked, and waits for a permit.
    Returning,
}

impl ParkedRuns {
    pub(super) fn new(settings: ParkingSettings) -> Self {
        Self {
            settings,
            by_user: Mutex::default(),
            returning: AtomicUsize::new(0),
        }
    }

    /// Whether any of them waits for a permit, which goes first to the run that waits longest.
    pub(super) fn is_any_returning(&self) -> bool {
        self.returning.load(Ordering::Acquire) > 0
    }

    /// Counts one more of this user, unless a bound is reached.
    fn add(&self, user: &UserId) -> bool {
        let mut by_user = self.by_user.lock();
        let of_user = by_user.get(user).copied().unwrap_or(0);
        let is_full = by_user.values().sum::<usize>() >= self.settings.worker_max
            || of_user >= self.settings.user_max;
        if !is_full {
            by_user.insert(user.clone(), of_user + 1);
        }
        !is_full
    }

    fn remove(&self, user: &UserId) {
        let mut by_user = self.by_user.lock();
        if let Some(of_user) = by_user.get_mut(user) {
            *of_user -= 1;
            if *of_user == 0 {
                by_user.remove(user);
            }
        }
    }
}

impl RunPermit {
    /// The permit for a run of this user. It is one of these permits of the worker, or else an extra one.
    pub(super) fn new(
        permit: OwnedSemaphorePermit,
        permits: &Arc<Semaphore>,
        parked_runs: Arc<ParkedRuns>,
        user: UserId,
    ) -> Self {
        let is_extra = !Arc::ptr_eq(permit.semaphore(), permits);
        Self {
            permits: Arc::clone(permits),
            extra_permits: is_extra.then(|| Arc::clone(permit.semaphore())),
            parked_runs,
            user,
            state: Mutex::new(RunPermitState {
                held: Some(permit),
                standing: Standing::Holding,
                waits: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Gives the permit to others while the program waits for a person, unless as many runs as may have done so already.
    /// Returns whether it did.
    pub(super) fn park(&self) -> bool {
        self.change(|state| {
            state.waits = true;
            let is_parking =
                state.standing == Standing::Holding && self.parked_runs.add(&self.user);
            if is_parking {
                state.held = None;
                state.standing = Standing::Parked;
            }
            is_parking
        })
    }

    /// Asks for the permit back if it was given away. [`serve`](Self::serve) gets it.
    pub(super) fn request(&self) {
        self.change(|state| {
            if state.standing == Standing::Parked {
                state.standing = Standing::Returning;
                self.parked_runs.returning.fetch_add(1, Ordering::AcqRel);
            }
        });
    }

    /// Whether the run has its permit now.
    pub(super) fn is_held(&self) -> bool {
        self.state.lock().standing == Standing::Holding
    }

    /// Waits until the run has its permit. Cancel-safe.
    pub(super) async fn held(&self) {
        self.until(|state| state.standing == Standing::Holding)
            .await;
    }

    /// Records that the program waits for a person.
    pub(super) fn mark_waiting(&self) {
        self.change(|state| state.waits = true);
    }

    /// Records that the program has got what it waited for.
    pub(super) fn mark_answered(&self) {
        self.change(|state| state.waits = false);
    }

    /// Waits until the program waits for a person. Cancel-safe.
    pub(super) async fn waiting(&self) {
        self.until(|state| state.waits).await;
    }

    /// Gets a permit whenever it is requested, in the order of the requests. A run that had an extra one gets whichever kind
    /// is free first.
    pub(super) async fn serve(&self) -> Infallible {
        loop {
            self.until(|state| state.standing == Standing::Returning)
                .await;
            let extra = self.extra_permits.clone().map(Semaphore::acquire_owned);
            let permit = tokio::select! {
                biased;
                permit = Arc::clone(&self.permits).acquire_owned() => permit,
                Some(permit) = OptionFuture::from(extra) => permit,
            };
            // The semaphores are never closed.
            if let Ok(permit) = permit {
                self.change(|state| {
                    state.held = Some(permit);
                    self.unpark(state);
                });
            }
        }
    }

    /// The permit for the next run; `None` if the run has given it away.
    pub(super) fn into_permit(self) -> Option<OwnedSemaphorePermit> {
        self.state.lock().held.take()
    }

    fn change<T>(&self, change: impl FnOnce(&mut RunPermitState) -> T) -> T {
        let changed = change(&mut self.state.lock());
        self.changed.notify_waiters();
        changed
    }

    async fn until(&self, is_wanted: impl Fn(&RunPermitState) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // A change after the look at the state must not be missed.
            changed.as_mut().enable();
            if is_wanted(&self.state.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Undoes what parking and a request have counted.
    fn unpark(&self, state: &mut RunPermitState) {
        let before = std::mem::replace(&mut state.standing, Standing::Holding);
        if before == Standing::Returning {
            self.parked_runs.returning.fetch_sub(1, Ordering::AcqRel);
        }
        if before != Standing::Holding {
            self.parked_runs.remove(&self.user);
        }
    }
}

impl Drop for RunPermit {
    fn drop(&mut self) {
        self.unpark(&mut self.state.lock());
    }
}
