//! Announces to the worker registry what this worker can run.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    CodeRunner, ErrorChain, LimitPolicy, RegistryError, UnavailableLanguage, WorkerId, WorkerOffer,
    WorkerRegistry,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::OutageLog;
use crate::fleet::CHECKING_INTERVAL;
use crate::outage::Outage;
use crate::retry::retry;

/// The time for which an offer is valid.
const LIFETIME: Duration = Duration::from_secs(15);
/// The time after which an offer is announced again: the registry may be unavailable for ten seconds without effect.
const INTERVAL: Duration = Duration::from_secs(5);
/// The pause before the announcer looks for a changed offer, or repeats a failed announcement; it looks more often while the
/// runner checks languages.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The longest wait for an answer of the registry.
const DEADLINE: Duration = Duration::from_secs(2);
/// The longest wait for the check of the runner. With the pauses above, an offer is made again long before it ends.
const CHECK_MAX: Duration = Duration::from_secs(5);
/// The time for attempts to withdraw the offer; after that it expires soon.
const WITHDRAWAL_MAX: Duration = Duration::from_secs(3);

/// The ports that an announcer uses.
#[derive(Debug, Clone)]
pub struct AnnouncerPorts {
    /// Holds the offers of all workers.
    pub registry: Arc<dyn WorkerRegistry>,
    /// Runs the programs of this worker.
    pub runner: Arc<dyn CodeRunner>,
}

/// The part of an offer that does not come from the runner.
#[derive(Debug, Clone)]
pub struct AnnouncerSettings {
    /// The worker's id, unique among all workers.
    pub id: WorkerId,
    /// The most executions that it runs at a time.
    pub concurrency: usize,
    /// The limits that it allows.
    pub limits: LimitPolicy,
}

/// Announces one worker for as long as it takes work.
#[derive(Debug, Clone)]
pub struct Announcer {
    ports: AnnouncerPorts,
    settings: AnnouncerSettings,
    outages: OutageLog,
}

/// Says why an offer could not be announced or withdrawn.
#[derive(Debug, thiserror::Error)]
enum AnnounceError {
    #[error("the worker registry did not answer within 2 s")]
    Timeout,
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// The last offer that the registry accepted.
struct Announcement {
    offer: WorkerOffer,
    at: Instant,
}

impl Announcer {
    /// An announcer of this worker.
    #[must_use]
    pub fn new(ports: AnnouncerPorts, settings: AnnouncerSettings) -> Self {
        Self {
            ports,
            settings,
            outages: OutageLog::default(),
        }
    }

    /// The same with a log of failures that it shares with other work.
    #[must_use]
    pub fn with_outages(self, outages: OutageLog) -> Self {
        Self { outages, ..self }
    }

    /// The current offer of the worker, if its runner works.
    #[must_use]
    pub fn offer(&self) -> WorkerOffer {
        let (runner, settings) = (&self.ports.runner, &self.settings);
        let limits = settings.limits;
        let limits = runner
            .maximum_limits()
            .map_or(limits, |maximum| limits.capped_at(maximum));
        WorkerOffer {
            worker: settings.id.clone(),
            runner: runner.profile(),
            languages: runner.languages(),
            unavailable: runner.unavailable_languages().unwrap_or_default(),
            limits,
            concurrency: u32::try_from(settings.concurrency).unwrap_or(u32::MAX),
            outage: None,
        }
    }

    /// Announces the worker as soon as its runner works, then every five seconds, and when its offer changes. Withdraws it
    /// when `drain` is cancelled, and returns when that is done or has failed for three seconds.
    ///
    /// While the runner does not work, the worker goes on announcing its last languages, with the outage: executions in
    /// them wait for its end. A failed announcement is repeated every second.
    pub async fn announce(&self, drain: &CancellationToken) {
        let outage = self.outages.of("announce the worker");
        let mut last = None;
        // An announcement is not dropped halfway: it could arrive after the withdrawal.
        while !drain.is_cancelled() {
            self.announce_if_due(&mut last, &outage).await;
            let unavailable = self.ports.runner.unavailable_languages();
            let mut unavailable = unavailable.iter().flatten();
            let is_checking = unavailable.any(UnavailableLanguage::is_being_checked);
            let pause = if is_checking {
                CHECKING_INTERVAL
            } else {
                CHECK_INTERVAL
            };
            let pause = tokio::time::sleep(pause);
            drain.run_until_cancelled(pause).await;
        }
        let withdrawal = tokio::time::timeout(WITHDRAWAL_MAX, self.withdraw());
        if withdrawal.await.is_err() {
            tracing::warn!("cannot withdraw the worker; its offer stays valid for up to 15 s");
        }
    }

    /// Announces the offer if it has changed or was announced some time ago.
    async fn announce_if_due(&self, last: &mut Option<Announcement>, outage: &Outage) {
        let is_fresh = |offer: &WorkerOffer, last: &Option<Announcement>| {
            last.as_ref()
                .is_some_and(|last| last.offer == *offer && last.at.elapsed() < INTERVAL)
        };
        if is_fresh(&self.offer(), last) {
            return;
        }
        let Some(offer) = self.checked_offer(last.as_ref()).await else {
            return;
        };
        if is_fresh(&offer, last) {
            return;
        }
        let at = Instant::now();
        let result = within_deadline(self.ports.registry.announce(&offer, LIFETIME)).await;
        outage.note(&result);
        if result.is_ok() {
            *last = Some(Announcement { offer, at });
        }
    }

    /// The offer after a check of the runner: the last one if the runner does not work, and none if it never has.
    async fn checked_offer(&self, last: Option<&Announcement>) -> Option<WorkerOffer> {
        let check = tokio::time::timeout(CHECK_MAX, self.ports.runner.check());
        let outage = match check.await {
            Ok(Ok(())) => return Some(self.offer()),
            Ok(Err(error)) => {
                tracing::debug!(error = %ErrorChain(&error), "the runner does not work");
                error.to_string()
            }
            Err(_) => "the runner did not answer within 5 s".to_owned(),
        };
        last.map(|last| WorkerOffer {
            outage: Some(outage),
            ..last.offer.clone()
        })
    }

    async fn withdraw(&self) -> Result<(), AnnounceError> {
        let withdraw = || within_deadline(self.ports.registry.withdraw(&self.settings.id));
        retry("cannot withdraw the worker", |_| true, withdraw).await
    }
}

async fn within_deadline(
    call: impl Future<Output = Result<(), RegistryError>> + Send,
) -> Result<(), AnnounceError> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(AnnounceError::Timeout),
    }
}

#[cfg(test)]
mod tests;
