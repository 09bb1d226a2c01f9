//! Caches what a source knows of each user, and limits how often the source is asked.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::VerifyError;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::DropGuard;

use super::account::{Account, AccountId};
use super::circuit_breaker::{CircuitBreaker, Purpose};
use super::lookup_error::LookupError;
use crate::metrics::{ResultCounter, USER_LOOKUPS};
use crate::refreshing::{Failure, Fetched, Refreshing, Spawner, Timed};
use crate::start_error::StartError;

/// After a failure, a user is not looked up again in this time.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// Looks up users one at a time.
#[async_trait]
pub(crate) trait AccountSource: fmt::Debug + Send + Sync + 'static {
    /// Asks for a user, once. Sets no deadline; cancel-safe.
    async fn look_up(&self, id: &AccountId) -> Result<Account, LookupError>;
}

/// How long answers are used, and how many lookups are made at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// How long an answer is used without asking again. Default: 60 s.
    pub fresh_for: Duration,
    /// How long an answer is used when no newer one can be had. Default: 5 min.
    pub stale_for: Duration,
    /// The longest time that a lookup takes, the access token included. Default: 2 s. It waits at most a quarter of that
    /// for its permit; a caller whose user is known, but not freshly, waits at most 15 % of it.
    pub deadline: Duration,
    /// About how many users are cached, those asked for last or often; also the greatest number of lookups that run or
    /// wait. Default: 10 000.
    pub users_max: usize,
    /// The greatest number of lookups that run at the same time. Default: 32.
    pub lookups_max: usize,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            fresh_for: Duration::from_mins(1),
            stale_for: Duration::from_mins(5),
            deadline: Duration::from_secs(2),
            users_max: 10_000,
            lookups_max: 32,
        }
    }
}

impl CachePolicy {
    /// The longest time that a lookup waits for its permit; the rest of the deadline is for the request. With one deadline for
    /// both, a source that is asked for a little too much would serve no caller: every permit would come too late.
    fn permit_wait_max(&self) -> Duration {
        self.deadline / 4
    }

    /// The longest time that a caller waits for a newer answer if the user is known, but not freshly.
    fn refresh_wait_max(&self) -> Duration {
        self.deadline * 3 / 20
    }
}

type User = Refreshing<Account, LookupError>;

/// Keeps each user that a lookup or a caller refers to: all callers for one user share one lookup.
#[derive(Debug, Clone)]
struct KeepReferenced;

impl Lifecycle<AccountId, Arc<User>> for KeepReferenced {
    type RequestState = ();

    fn is_pinned(&self, _id: &AccountId, user: &Arc<User>) -> bool {
        Arc::strong_count(user) > 1
    }
}

/// Looks up users, and caches the answers.
///
/// An answer is used for a while, and a while longer when no other can be had. All callers for one user share one lookup,
/// which goes on when they leave. After a failure, a user is not looked up again for a second. After three failures in a row
/// that would have met any user, no lookup is made: for a second, then for twice as long each time, 30 s at most; after each
/// pause one lookup shows whether it was long enough. Time is monotonic: setting the clock of the machine changes nothing.
#[derive(Debug)]
pub struct AccountLookup {
    users: Cache<AccountId, Arc<User>, UnitWeighter, DefaultHashBuilder, KeepReferenced>,
    lookups: Arc<Lookups>,
    waiting: Arc<Semaphore>,
    spawner: Spawner,
    _cancel_lookups: DropGuard,
}

impl AccountLookup {
    /// An empty cache. Lookups run on the current runtime, until this value is dropped.
    pub(crate) fn with_source(
        source: Arc<dyn AccountSource>,
        policy: CachePolicy,
    ) -> Result<Self, StartError> {
        let (spawner, cancel_lookups) = Spawner::on_current_runtime()?;
        Ok(Self {
            users: Cache::with(
                policy.users_max,
                policy.users_max as u64,
                UnitWeighter,
                DefaultHashBuilder::default(),
                KeepReferenced,
            ),
            lookups: Arc::new(Lookups {
                source,
                policy,
                permits: Semaphore::new(policy.lookups_max),
                counter: ResultCounter::new(USER_LOOKUPS, ["ok", "failed"]),
                breaker: Mutex::default(),
            }),
            waiting: Arc::new(Semaphore::new(policy.users_max)),
            spawner,
            _cancel_lookups: cancel_lookups,
        })
    }

    /// Checks that a sign-in still lets its user use the service. Dropping the call changes nothing for other callers.
    ///
    /// # Errors
    /// [`VerifyError::UserNotFound`]; [`VerifyError::UserDisabled`]; [`VerifyError::Revoked`] if all sessions of the
    /// user were ended after the sign-in; [`VerifyError::UsersUnavailable`] if that is not known now.
    pub(crate) async fn check_sign_in(
        &self,
        id: AccountId,
        auth_time: OffsetDateTime,
    ) -> Result<(), VerifyError> {
        self.account(id).await?.check_sign_in(auth_time)
    }

    /// Checks that lookups worked lately, without making one.
    ///
    /// # Errors
    /// [`VerifyError::UsersUnavailable`].
    pub(crate) fn check(&self) -> Result<(), VerifyError> {
        let error = self.lookups.breaker.lock().recent_error(Instant::now());
        error.map_or(Ok(()), |error| Err(self.lookups.unavailable(error)))
    }

    async fn account(&self, id: AccountId) -> Result<Account, VerifyError> {
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(User::new(self.spawner.clone())));
        let Ok(user) = self.users.get_or_insert_with(&id, new);
        let patience = self.lookups.policy.refresh_wait_max();
        let account = user.get(patience, || self.start_lookup(id)).await;
        account.map_err(|error| {
            let error = error.unwrap_or_else(|| Arc::new(LookupError::Cancelled));
            self.lookups.unavailable(error)
        })
    }

    /// Prepares a lookup, if one may start now.
    fn start_lookup(
        &self,
        id: AccountId,
    ) -> Result<impl Future<Output = Fetched<Account, LookupError>> + use<>, Arc<LookupError>> {
        let waiting = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| Arc::new(LookupError::TooManyLookups))?;
        let mut breaker = self.lookups.breaker.lock();
        let Some(purpose) = breaker.begin(Instant::now()) else {
            let error = breaker.open_error();
            return Err(Arc::new(error.unwrap_or(LookupError::TooManyLookups)));
        };
        let attempt = Attempt {
            lookups: Arc::clone(&self.lookups),
            purpose,
        };
        Ok(async move {
            let fetched = attempt.look_up(&id).await;
            drop(waiting);
            fetched
        })
    }
}

/// What all lookups share. No lock is held while anything is waited for.
#[derive(Debug)]
struct Lookups {
    source: Arc<dyn AccountSource>,
    policy: CachePolicy,
    permits: Semaphore,
    counter: ResultCounter,
    breaker: Mutex<CircuitBreaker>,
}

impl Lookups {
    fn unavailable(&self, error: Arc<LookupError>) -> VerifyError {
        let open_for = self.breaker.lock().open_for(Instant::now());
        VerifyError::UsersUnavailable {
            retry_after: open_for.max(RETRY_AFTER_MIN),
            source: Box::new(error),
        }
    }
}

/// One lookup. Dropping it lets the circuit breaker try another probe.
struct Attempt {
    lookups: Arc<Lookups>,
    purpose: Purpose,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.purpose == Purpose::Probe {
            self.lookups.breaker.lock().probe_ended();
        }
    }
}

impl Attempt {
    async fn look_up(&self, id: &AccountId) -> Fetched<Account, LookupError> {
        let Lookups {
            policy, breaker, ..
        } = &*self.lookups;
        let answer = self.ask_with_permit(id).await;
        self.lookups.counter.count(answer.is_ok());
        match answer {
            Ok((account, asked_at)) => {
                breaker.lock().succeeded();
                Ok(Timed {
                    value: account,
                    fresh_until: asked_at + policy.fresh_for,
                    usable_until: asked_at + policy.stale_for,
                })
            }
            Err(error) => {
                let (error, now) = (Arc::new(error), Instant::now());
                breaker.lock().failed(&error, self.purpose, now);
                Err(Failure {
                    error,
                    retry_at: now + RETRY_AFTER_MIN,
                })
            }
        }
    }

    async fn ask_with_permit(&self, id: &AccountId) -> Result<(Account, Instant), LookupError> {
        let policy = &self.lookups.policy;
        let permit = timeout(policy.permit_wait_max(), self.lookups.permits.acquire()).await;
        let _permit = permit
            .map_err(|_| LookupError::TooManyLookups)?
            .map_err(|_| LookupError::Cancelled)?;
        if self.purpose == Purpose::Lookup
            && let Some(error) = self.lookups.breaker.lock().open_error()
        {
            return Err(error);
        }
        let deadline = policy.deadline.saturating_sub(policy.permit_wait_max());
        // The answer was true at some time after this.
        let asked_at = Instant::now();
        let account = timeout(deadline, self.lookups.source.look_up(id)).await;
        Ok((
            account.unwrap_or(Err(LookupError::TimedOut(deadline)))?,
            asked_at,
        ))
    }
}

#[cfg(test)]
mod tests;
