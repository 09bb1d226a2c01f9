//! What is measured, for tests on it.

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::Builder;

use super::recorder;

/// A recorder of a test's own.
pub(super) struct Measured(PrometheusHandle);

impl Measured {
    /// Does this, on a runtime of its own where time is virtual, and sees what is measured meanwhile.
    pub(super) fn during(work: impl Future<Output = ()>) -> Self {
        let recorder = recorder::builder().unwrap().build_recorder();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        metrics::with_local_recorder(&recorder, || {
            recorder::introduce();
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

    /// Everything.
    pub(super) fn text(&self) -> String {
        self.0.render()
    }
}
