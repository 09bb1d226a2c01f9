//! Shared by tests: a clock that follows tokio's, a registry that can fail, and a reader of recorded metrics.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::testing::{at, store_policy};
use coderun_domain::{Clock, RegistryError, WorkerId, WorkerOffer, WorkerRegistry};
use coderun_memory::{LedgerConfig, MemoryBackend, memory_backend};
use metrics_exporter_prometheus::PrometheusBuilder;
use time::OffsetDateTime;
use tokio::runtime::Builder;
use tokio::time::Instant;

/// A clock that follows tokio's, so that a paused test moves both.
#[derive(Debug)]
pub(crate) struct TokioClock(Instant);

impl Default for TokioClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> OffsetDateTime {
        at(0) + self.0.elapsed()
    }
}

/// A registry that fails while it is unavailable, and counts the calls of workers.
#[derive(Debug)]
pub(crate) struct FailingRegistry {
    pub(crate) inner: MemoryBackend,
    is_unavailable: AtomicBool,
    pub(crate) announcements: AtomicUsize,
    pub(crate) withdrawals: AtomicUsize,
}

impl FailingRegistry {
    pub(crate) fn new() -> Self {
        let clock = std::sync::Arc::new(TokioClock::default());
        Self {
            inner: memory_backend(LedgerConfig::new(store_policy()), clock),
            is_unavailable: AtomicBool::new(false),
            announcements: AtomicUsize::new(0),
            withdrawals: AtomicUsize::new(0),
        }
    }

    pub(crate) fn set_unavailable(&self, is_unavailable: bool) {
        self.is_unavailable.store(is_unavailable, Ordering::SeqCst);
    }

    fn check(&self) -> Result<(), RegistryError> {
        if self.is_unavailable.load(Ordering::SeqCst) {
            return Err(RegistryError::Unavailable {
                backend: "test",
                source: "connection refused".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl WorkerRegistry for FailingRegistry {
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        self.announcements.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        self.inner.announce(offer, lifetime).await
    }
    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        self.withdrawals.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        self.inner.withdraw(worker).await
    }
    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        self.check()?;
        self.inner.offers().await
    }
}

/// The lines of all metrics, as Prometheus reads them, that this work records on a runtime whose time is virtual.
pub(crate) fn recorded(work: impl Future<Output = ()>) -> Vec<String> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(work));
    let text = recorder.handle().render();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.retain(|line| line.starts_with("coderun_") && !line.contains("quantile"));
    lines.sort();
    lines
}

/// The lines of one metric.
pub(crate) fn lines_of(name: &str, lines: &[String]) -> Vec<String> {
    let of_name = lines.iter().filter(|line| line.starts_with(name));
    of_name.cloned().collect()
}
