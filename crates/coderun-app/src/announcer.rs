//! Tells those who accept executions what this worker can run.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    CodeRunner, ErrorChain, LimitPolicy, RegistryError, WorkerId, WorkerOffer, WorkerRegistry,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::outage::Outage;

/// An offer holds for so long after it was made.
const LIFETIME: Duration = Duration::from_secs(15);
/// It is made again so often, so that the registry may be away for ten seconds and nobody notices.
const INTERVAL: Duration = Duration::from_secs(5);
/// How often to see whether the offer has changed; a failed announcement is tried again as soon.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// A registry that takes longer to answer is taken to be away.
const DEADLINE: Duration = Duration::from_secs(2);
/// How long to try to withdraw: after that the offer ends by itself soon enough.
const WITHDRAWAL_MAX: Duration = Duration::from_secs(3);

/// What an announcer works with.
#[derive(Debug, Clone)]
pub struct AnnouncerPorts {
    /// Where workers are announced.
    pub registry: Arc<dyn WorkerRegistry>,
    /// Runs what this worker takes.
    pub runner: Arc<dyn CodeRunner>,
}

/// What a worker says of itself, beside what its runner says.
#[derive(Debug, Clone)]
pub struct AnnouncerSettings {
    /// Who it is among all workers.
    pub id: WorkerId,
    /// How many executions it runs at a time.
    pub concurrency: usize,
    /// Within which limits.
    pub limits: LimitPolicy,
}

/// Announces one worker for as long as it takes work.
#[derive(Debug, Clone)]
pub struct Announcer {
    ports: AnnouncerPorts,
    settings: AnnouncerSettings,
}

/// Why the registry does not know what it was told.
#[derive(Debug, thiserror::Error)]
enum AnnounceError {
    #[error("the worker registry does not answer in time")]
    Silent,
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// What the registry was told last, and when.
struct Announced {
    offer: WorkerOffer,
    at: Instant,
}

impl Announcer {
    /// An announcer of this worker.
    #[must_use]
    pub const fn new(ports: AnnouncerPorts, settings: AnnouncerSettings) -> Self {
        Self { ports, settings }
    }

    /// What the worker offers now.
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
            limits,
            concurrency: u32::try_from(settings.concurrency).unwrap_or(u32::MAX),
        }
    }

    /// Announces the worker at once, every five seconds, and when its offer changes; withdraws it when `drain` is
    /// cancelled, and answers when that is done or has failed for three seconds.
    ///
    /// A registry that cannot be reached is told as soon as it can be.
    pub async fn announce(&self, drain: &CancellationToken) {
        let mut outage = Outage::of("announcing this worker");
        let mut announced = None;
        // An announcement is not dropped halfway: it could arrive after the withdrawal.
        while !drain.is_cancelled() {
            self.tell(&mut announced, &mut outage).await;
            let pause = tokio::time::sleep(LOOK_INTERVAL);
            drain.run_until_cancelled(pause).await;
        }
        let withdrawal = tokio::time::timeout(WITHDRAWAL_MAX, self.withdraw());
        if withdrawal.await.is_err() {
            tracing::warn!(
                "this worker could not be withdrawn: others count on it a little longer"
            );
        }
    }

    /// Tells the registry, if it has not been told lately or something else. A worker that could run nothing is not
    /// offered: its last offer ends by itself.
    async fn tell(&self, announced: &mut Option<Announced>, outage: &mut Outage) {
        let offer = self.offer();
        let is_known = announced
            .as_ref()
            .is_some_and(|known| known.offer == offer && known.at.elapsed() < INTERVAL);
        if is_known {
            return;
        }
        if let Err(error) = self.ports.runner.check().await {
            tracing::debug!(error = %ErrorChain(&error), "not announcing this worker: it could run nothing");
            return;
        }
        let at = Instant::now();
        let told = in_time(self.ports.registry.announce(&offer, LIFETIME)).await;
        outage.note(&told);
        if told.is_ok() {
            *announced = Some(Announced { offer, at });
        }
    }

    async fn withdraw(&self) {
        let mut outage = Outage::of("withdrawing this worker");
        loop {
            let withdrawn = in_time(self.ports.registry.withdraw(&self.settings.id)).await;
            outage.note(&withdrawn);
            if withdrawn.is_ok() {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

async fn in_time(
    telling: impl Future<Output = Result<(), RegistryError>> + Send,
) -> Result<(), AnnounceError> {
    match tokio::time::timeout(DEADLINE, telling).await {
        Ok(told) => Ok(told?),
        Err(_) => Err(AnnounceError::Silent),
    }
}

#[cfg(test)]
mod tests;
