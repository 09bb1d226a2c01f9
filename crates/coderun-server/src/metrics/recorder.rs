//! What keeps the numbers, and shows them as Prometheus reads them.

use anyhow::Context as _;
use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::catalog::{self, BUILD_INFO, Kind};
use super::process;

/// The numbers of this process.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to keep what is counted from now on, everywhere in this process. Works once.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let recorder = builder().and_then(PrometheusBuilder::install_recorder);
        let metrics = Self(recorder.context("cannot keep metrics")?);
        introduce();
        Ok(metrics)
    }

    /// Everything, in the text format. Takes milliseconds: not for a thread that others wait for.
    pub(crate) fn render(&self) -> String {
        let mut text = self.0.render();
        text.push_str(&process::render());
        text
    }

    /// Counts durations into their buckets. They take memory until this is done or all is shown.
    pub(crate) fn tidy(&self) {
        self.0.run_upkeep();
    }

    /// Numbers that nothing is counted into.
    #[cfg(test)]
    pub(crate) fn of_nothing() -> anyhow::Result<Self> {
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

/// Tells the recorder what never changes.
pub(super) fn introduce() {
    catalog::describe();
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
