//! Asks an API again and again which runtimes it has, and so whether it can be reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coderun_domain::ErrorChain;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep, timeout};

use crate::api::ThirdPartyApi;
use crate::catalog::RuntimeCatalog;
use crate::client::Client;
use crate::error::{ApiError, RETRY_AFTER_MAX};

/// How long the API may take to list its runtimes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer is reused.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How often an API that fails is asked.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Refreshes the catalog of one API.
#[derive(Debug)]
pub(super) struct Refresher {
    api: Arc<dyn ThirdPartyApi>,
    client: Arc<Client>,
    interval: Duration,
    catalog: RuntimeCatalog,
    /// Held while the API is asked, so that all wait for the same answer.
    last: Mutex<Option<(Instant, Result<(), ApiError>)>>,
    /// Whether a run has failed since the last answer.
    is_stale: AtomicBool,
    is_failing: AtomicBool,
    wake: Notify,
}

impl Refresher {
    pub(super) fn new(
        api: Arc<dyn ThirdPartyApi>,
        client: Arc<Client>,
        catalog: RuntimeCatalog,
        interval: Duration,
    ) -> Self {
        Self {
            api,
            client,
            interval,
            catalog,
            last: Mutex::default(),
            is_stale: AtomicBool::new(false),
            is_failing: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    pub(super) const fn catalog(&self) -> &RuntimeCatalog {
        &self.catalog
    }

    /// Refreshes at intervals, and at once after [`Self::request`].
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            let pause = match self.check().await {
                Ok(()) => self.interval,
                Err(_) => FAILURE_PAUSE.min(self.interval),
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// A run has failed: the last answer is not reused.
    pub(super) fn mark_stale(&self) {
        self.is_stale.store(true, Ordering::Release);
    }

    /// The list is known to be wrong: it is refreshed soon.
    pub(super) fn request_refresh(&self) {
        self.mark_stale();
        self.wake.notify_one();
    }

    /// Asks the API which runtimes it has, unless it was asked a moment ago. Concurrent callers share an answer.
    /// Cancel-safe.
    pub(super) async fn check(&self) -> Result<(), ApiError> {
        let mut last = self.last.lock().await;
        let is_stale = self.is_stale.swap(false, Ordering::AcqRel);
        if let Some((at, result)) = &*last
            && at.elapsed() < self.reused_for(result, is_stale)
        {
            return result.clone();
        }
        // If this is cancelled, the answer before must not be reused.
        *last = None;
        let result = self.refresh().await;
        *last = Some((Instant::now(), result.clone()));
        drop(last);
        self.log_changes(&result);
        result
    }

    /// An API that asks not to be called is not called before, but for a bounded time.
    fn reused_for(&self, result: &Result<(), ApiError>, is_stale: bool) -> Duration {
        let retry_after = result.as_ref().err().and_then(ApiError::retry_after);
        match retry_after {
            Some(wait) => wait.min(RETRY_AFTER_MAX),
            None if is_stale => Duration::ZERO,
            None => FRESH_FOR.min(self.interval),
        }
    }

    async fn refresh(&self) -> Result<(), ApiError> {
        let list = timeout(ANSWER_TIMEOUT, self.api.runtimes(&self.client));
        let list = list.await.unwrap_or(Err(ApiError::NoAnswer))?;
        if self.catalog.replace(list) {
            Ok(())
        } else {
            Err(ApiError::Unusable("the API has no language installed"))
        }
    }

    fn log_changes(&self, result: &Result<(), ApiError>) {
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::AcqRel);
        match result {
            Ok(()) if was_failing => tracing::info!("the execution API can be reached again"),
            Err(error) if !was_failing => log_failure(error),
            Ok(()) | Err(_) => {}
        }
    }
}

fn log_failure(error: &ApiError) {
    tracing::warn!(error = %ErrorChain(error), "the execution API cannot be used");
}
