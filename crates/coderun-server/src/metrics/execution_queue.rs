//! How long the queue takes, how long executions wait in it, and how they end.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, QueueDepth, QueueError, Renewal, RunEvent,
    Sequence, Swept, WorkerId,
};
use metrics::{Counter, Histogram, counter, histogram};

use super::catalog::{FORCED_ENDS, QUEUE_WAIT};
use super::per_language::PerLanguage;
use super::runs::RunCounters;
use super::timing::Timing;

/// A queue whose calls are measured.
#[derive(Debug)]
pub(crate) struct MeasuredExecutionQueue {
    inner: Arc<dyn ExecutionQueue>,
    take: Timing,
    renew: Timing,
    append: Timing,
    finish: Timing,
    release: Timing,
    sweep: Timing,
    depth: Timing,
    check: Timing,
    waits: PerLanguage<Histogram>,
    runs: RunCounters,
    forced_ends: LazyLock<Counter>,
}

impl MeasuredExecutionQueue {
    pub(crate) fn new(inner: Arc<dyn ExecutionQueue>, backend: &'static str) -> Self {
        let timing = |operation| Timing::new(backend, operation);
        Self {
            inner,
            take: timing("take"),
            renew: timing("renew"),
            append: timing("append"),
            finish: timing("finish"),
            release: timing("release"),
            sweep: timing("sweep"),
            depth: timing("depth"),
            check: timing("check_queue"),
            waits: PerLanguage::new(),
            runs: RunCounters::new(),
            // Made at the first sweep, as no recorder may be there before.
            forced_ends: LazyLock::new(|| counter!(FORCED_ENDS)),
        }
    }

    /// Takes down how long an execution waited, at its first attempt: later ones begin behind a worker that died.
    fn taken(&self, lease: &Lease) {
        let progress = lease.execution().progress();
        let Some(started_at) = progress.started_at().filter(|_| is_first(lease)) else {
            return;
        };
        let language = lease.execution().submission().language();
        let waits = self.waits.get(
            language,
            || histogram!(QUEUE_WAIT, "language" => language.as_str().to_owned()),
        );
        // Two processes whose clocks differ may have written these times.
        let waited = started_at - progress.created_at();
        waits.record(waited.as_seconds_f64().max(0.0));
    }
}

fn is_first(lease: &Lease) -> bool {
    lease.attempt().count() == 1
}

#[async_trait]
impl ExecutionQueue for MeasuredExecutionQueue {
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        let taken = self.take.of(self.inner.take(worker, languages)).await?;
        if let Some(lease) = &taken {
            self.taken(lease);
        }
        Ok(taken)
    }

    async fn work_available(&self) {
        self.inner.work_available().await;
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.renew.of(self.inner.renew(lease)).await
    }

    async fn cancel_requested(&self, lease: &Lease) {
        self.inner.cancel_requested(lease).await;
    }

    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        let call = self.inner.append(lease, after, events);
        self.append.of(call).await
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        self.finish.of(self.inner.finish(lease, outcome)).await?;
        let language = lease.execution().submission().language();
        self.runs.ended(language, outcome);
        Ok(())
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.release.of(self.inner.release(lease)).await
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        let swept = self.sweep.of(self.inner.sweep()).await?;
        self.forced_ends
            .increment(u64::try_from(swept.ended).unwrap_or(u64::MAX));
        Ok(swept)
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.depth.of(self.inner.depth()).await
    }

    async fn check(&self) -> Result<Health, QueueError> {
        self.check.of(self.inner.check()).await
    }
}
