//! Records metrics in tests.

use std::sync::Arc;

use coderun_app::{Readiness, ReadinessPorts};
use coderun_domain::{ExecutionQueue, MockExecutionQueue, MockExecutionStore};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::{Probes, recorder};

/// Probes of this queue and this store.
pub(crate) fn probes(
    queue: MockExecutionQueue,
    store: MockExecutionStore,
    draining: CancellationToken,
) -> Probes {
    let queue: Arc<dyn ExecutionQueue> = Arc::new(queue);
    let ports = ReadinessPorts {
        store: Arc::new(store),
        queue: Arc::clone(&queue),
        runners: None,
        verifier: None,
    };
    let readiness = Readiness::new(ports, draining);
    Probes { queue, readiness }
}

/// The metrics that a test has recorded.
pub(super) struct Recorded(PrometheusHandle);

impl Recorded {
    /// Runs `work` on a runtime with virtual time, and records the metrics meanwhile.
    pub(super) fn during(work: impl Future<Output = ()>) -> Self {
        let recorder = recorder::builder().unwrap().build_recorder();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        metrics::with_local_recorder(&recorder, || {
            recorder::describe();
            runtime.block_on(work);
        });
        Self(recorder.handle())
    }

    /// The lines of a metric, without those for buckets and sums.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let text = self.0.render();
        let is_counted = |line: &&str| !line.contains("_bucket{") && !line.contains("_sum");
        let lines = text.lines().filter(|line| line.starts_with(name));
        let mut lines: Vec<_> = lines.filter(is_counted).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// All metrics in the text format.
    pub(super) fn text(&self) -> String {
        self.0.render()
    }
}
