//! Remembers what a source said of each user, and asks it no more often than needed.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::VerifyError;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::account::{Account, AccountId};
use super::fault::{LookupFault, Unavailable};
use super::health::{Health, Purpose};
use super::memory::Memory;
use super::{SignIn, UserDirectory};
use crate::counters::LookupCounters;
use crate::flight::{Flight, Flights, NoRuntime};

/// After a failure, a user is not asked for again in this time.
const REST: Duration = Duration::from_secs(1);

/// Knows one user after the other.
#[async_trait]
pub(crate) trait AccountSource: fmt::Debug + Send + Sync + 'static {
    /// Asks for a user, once. Sets no deadline; cancel-safe.
    async fn look_up(&self, id: &AccountId) -> Result<Account, LookupFault>;
}

/// How long answers are used, and how much is asked for at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CachePolicy {
    /// An answer is as good as a new one for so long.
    pub(crate) fresh_for: Duration,
    /// An answer is better than none for so long.
    pub(crate) stale_for: Duration,
    /// A lookup takes at most so long, waiting for its turn included.
    pub(crate) deadline: Duration,
    /// So many users are remembered, and so many are looked up or wait for it.
    pub(crate) users_max: usize,
    /// So many lookups are made at a time.
    pub(crate) lookups_max: usize,
}

impl CachePolicy {
    /// A lookup waits at most so long for its turn; the deadline that it has then is the rest. With one deadline for
    /// both, a source that is asked for a little too much would serve nobody: every turn would come too late.
    fn turn_wait_max(&self) -> Duration {
        self.deadline / 4
    }

    /// Whoever is known, but not freshly, waits at most so long for news.
    fn news_wait_max(&self) -> Duration {
        self.deadline * 3 / 20
    }
}

/// A directory that asks a source and remembers what it said.
///
/// Time is monotonic: setting the clock of the machine changes nothing.
pub(crate) struct CachedDirectory {
    shared: Arc<Shared>,
    flights: Flights,
}

impl CachedDirectory {
    /// A directory that knows nobody yet. Lookups run on the present runtime, until the directory is dropped.
    pub(crate) fn start(
        source: Arc<dyn AccountSource>,
        policy: CachePolicy,
    ) -> Result<Self, NoRuntime> {
        let shared = Shared {
            source,
            policy,
            turns: Semaphore::new(policy.lookups_max),
            counters: LookupCounters::new(),
            state: Mutex::new(State {
                users: Memory::new(policy.users_max),
                flights: HashMap::new(),
                health: Health::default(),
            }),
        };
        Ok(Self {
            shared: Arc::new(shared),
            flights: Flights::on_this_runtime()?,
        })
    }

    async fn account(&self, id: AccountId) -> Result<Account, Unavailable> {
        let landed = match self.next_step(id) {
            Step::Known(account) => return Ok(account),
            Step::Unknown(error) => return Err(error),
            Step::Wait(flight, None) => flight.await,
            Step::Wait(flight, Some(account)) => {
                let news = timeout(self.shared.policy.news_wait_max(), flight).await;
                news.unwrap_or(Some(Ok(account)))
            }
        };
        landed.unwrap_or_else(|| Err(unavailable(Arc::new(LookupFault::Ended), REST)))
    }

    fn next_step(&self, id: AccountId) -> Step {
        let policy = &self.shared.policy;
        let mut state = self.shared.lock();
        let now = Instant::now();
        let user = state.users.entry(&id);
        let fresh = user.known_within(policy.fresh_for, now);
        let known = user.known_within(policy.stale_for, now);
        let good_enough = user.known_within(policy.stale_for, now + policy.news_wait_max());
        let own_failure = user.resting(now);
        if let Some(flight) = state.flights.get(&id) {
            return Step::Wait(flight.clone(), good_enough);
        }
        if let Some(account) = fresh {
            return Step::Known(account);
        }
        let rest = state.health.rests_for(now).max(REST);
        let without_asking = |fault| match known {
            Some(account) => Step::Known(account),
            None => Step::Unknown(unavailable(fault, rest)),
        };
        if let Some(fault) = own_failure {
            return without_asking(fault);
        }
        if state.flights.len() >= policy.users_max {
            return without_asking(Arc::new(LookupFault::Crowded));
        }
        let Some(purpose) = state.health.begin(now) else {
            return without_asking(resting(&state.health));
        };
        // The task cannot leave the list before it is in it, for the list is locked.
        let shared = Arc::clone(&self.shared);
        let flight = self.flights.begin(shared.look_up(id.clone(), purpose));
        state.flights.insert(id, flight.clone());
        Step::Wait(flight, good_enough)
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.shared.lock().users.len()
    }
}

#[async_trait]
impl UserDirectory for CachedDirectory {
    async fn admit(&self, sign_in: SignIn<'_>) -> Result<(), VerifyError> {
        let account = self.account(AccountId::of(sign_in)).await?;
        account.admit(sign_in.auth_time)
    }

    async fn check(&self) -> Result<(), VerifyError> {
        let state = self.shared.lock();
        let now = Instant::now();
        let retry_after = state.health.rests_for(now).max(REST);
        match state.health.trouble(now) {
            Some(fault) => Err(unavailable(Arc::clone(fault), retry_after).into()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for CachedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedDirectory")
            .field("source", &self.shared.source)
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}

type Landed = Result<Account, Unavailable>;

/// What to do for a caller.
enum Step {
    Known(Account),
    Unknown(Unavailable),
    /// For the lookup, and not for long where something good enough is known.
    Wait(Flight<Landed>, Option<Account>),
}

/// What flights and callers share. The lock is never held while anything is waited for.
struct Shared {
    source: Arc<dyn AccountSource>,
    policy: CachePolicy,
    turns: Semaphore,
    counters: LookupCounters,
    state: Mutex<State>,
}

struct State {
    users: Memory<AccountId, Remembered>,
    flights: HashMap<AccountId, Flight<Landed>>,
    health: Health,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One flight: asks, remembers, and answers what callers are told.
    async fn look_up(self: Arc<Self>, id: AccountId, purpose: Purpose) -> Landed {
        let boarding = Boarding {
            shared: &self,
            id: &id,
            purpose,
        };
        let answer = self.ask_in_turn(&id, purpose).await;
        self.counters.asked(&answer);
        let landed = match answer {
            Ok(known) => {
                self.remember(&id, known);
                Ok(known.account)
            }
            Err(fault) => self.remember_failure(&id, fault, purpose),
        };
        drop(boarding);
        landed
    }

    async fn ask_in_turn(&self, id: &AccountId, purpose: Purpose) -> Result<Known, LookupFault> {
        let turn_wait_max = self.policy.turn_wait_max();
        let turn = timeout(turn_wait_max, self.turns.acquire()).await;
        let _turn = turn
            .map_err(|_| LookupFault::Crowded)?
            .map_err(|_| LookupFault::Ended)?;
        if purpose == Purpose::Lookup
            && let Some(fault) = self.lock().health.resting()
        {
            return Err(LookupFault::Resting(Arc::clone(fault)));
        }
        let deadline = self.policy.deadline.saturating_sub(turn_wait_max);
        let asked = timeout(deadline, self.ask(id)).await;
        asked.unwrap_or(Err(LookupFault::TimedOut(deadline)))
    }

    async fn ask(&self, id: &AccountId) -> Result<Known, LookupFault> {
        // What is answered was true at some time after this.
        let at = Instant::now();
        let account = self.source.look_up(id).await?;
        Ok(Known { account, at })
    }

    fn remember(&self, id: &AccountId, known: Known) {
        let mut state = self.lock();
        state.health.succeeded();
        *state.users.entry(id) = Remembered {
            known: Some(known),
            failure: None,
        };
    }

    fn remember_failure(&self, id: &AccountId, fault: LookupFault, purpose: Purpose) -> Landed {
        let (fault, now) = (Arc::new(fault), Instant::now());
        let mut state = self.lock();
        state.health.failed(&fault, purpose, now);
        let rest = state.health.rests_for(now).max(REST);
        let user = state.users.entry(id);
        user.failure = Some(Failure {
            fault: Arc::clone(&fault),
            at: now,
        });
        user.known_within(self.policy.stale_for, now)
            .ok_or_else(|| unavailable(fault, rest))
    }
}

/// Takes a flight off the list, also if it ends in the middle.
struct Boarding<'flight> {
    shared: &'flight Shared,
    id: &'flight AccountId,
    purpose: Purpose,
}

impl Drop for Boarding<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.flights.remove(self.id);
        if self.purpose == Purpose::Trial {
            state.health.tried();
        }
    }
}

/// What is remembered of one user.
#[derive(Debug, Default)]
struct Remembered {
    known: Option<Known>,
    failure: Option<Failure>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    account: Account,
    at: Instant,
}

#[derive(Debug)]
struct Failure {
    fault: Arc<LookupFault>,
    at: Instant,
}

impl Remembered {
    fn known_within(&self, age: Duration, now: Instant) -> Option<Account> {
        let known = self.known?;
        (now - known.at < age).then_some(known.account)
    }

    fn resting(&self, now: Instant) -> Option<Arc<LookupFault>> {
        let failure = self.failure.as_ref()?;
        (now - failure.at < REST).then(|| Arc::clone(&failure.fault))
    }
}

fn unavailable(fault: Arc<LookupFault>, retry_after: Duration) -> Unavailable {
    Unavailable { retry_after, fault }
}

/// Why nobody is asked for now.
fn resting(health: &Health) -> Arc<LookupFault> {
    let fault = health.resting().map(Arc::clone);
    Arc::new(fault.map_or(LookupFault::Crowded, LookupFault::Resting))
}

#[cfg(test)]
mod tests;
