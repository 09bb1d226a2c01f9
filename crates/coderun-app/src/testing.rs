//! Shared by tests: reads what is recorded through the metrics facade.

use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::runtime::Builder;

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
pub(crate) fn of(name: &str, lines: &[String]) -> Vec<String> {
    let of_name = lines.iter().filter(|line| line.starts_with(name));
    of_name.cloned().collect()
}
