//! Records the metrics of this process and renders them for Prometheus.

use anyhow::Context as _;
use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::catalog::{self, BUILD_INFO, Kind};
use super::process;

/// The metrics of this process.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder for the whole process. Works only once.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let recorder = builder().and_then(PrometheusBuilder::install_recorder);
        let metrics = Self(recorder.context("cannot record metrics")?);
        describe();
        Ok(metrics)
    }

    /// All metrics in the text format. This takes milliseconds, so call it where blocking is allowed.
    pub(crate) fn render(&self) -> String {
        let mut text = self.0.render();
        text.push_str(&process::render());
        text
    }

    /// Sorts durations into their buckets. Until then, or until they are rendered, each takes memory.
    pub(crate) fn run_upkeep(&self) {
        self.0.run_upkeep();
    }

    /// Metrics that nothing records into.
    #[cfg(test)]
    pub(crate) fn empty() -> anyhow::Result<Self> {
        Ok(Self(builder()?.build_recorder().handle()))
    }
}

/// A recorder that knows the buckets of every metric.
pub(super) fn builder() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in catalog::METRICS {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets.bounds())?;
        }
    }
    Ok(builder)
}

/// Records what never changes: descriptions and the version.
pub(super) fn describe() {
    catalog::describe();
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
