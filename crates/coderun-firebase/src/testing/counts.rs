//! Reads metrics, for tests on them.

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// Shows what was counted by the handles that were made under it.
pub(crate) struct Counts(Snapshotter);

impl Counts {
    /// Makes something whose handles are seen here, and nowhere else.
    pub(crate) fn of<T>(make: impl FnOnce() -> T) -> (T, Self) {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let value = metrics::with_local_recorder(&recorder, make);
        (value, Self(snapshotter))
    }

    /// Everything that was counted since this was asked for the last time, as `name{label} value`, in order. Gauges
    /// stay as they are.
    pub(crate) fn lines(&self) -> Vec<String> {
        let snapshot = self.0.snapshot().into_vec();
        let line = |(key, _, _, value): (metrics_util::CompositeKey, _, _, DebugValue)| {
            let labels = key.key().labels().map(metrics::Label::value);
            let labels = labels.collect::<Vec<_>>().join(",");
            let value = match value {
                DebugValue::Counter(count) => count.to_string(),
                DebugValue::Gauge(value) => value.to_string(),
                DebugValue::Histogram(values) => format!("{values:?}"),
            };
            format!("{}{{{labels}}} {value}", key.key().name())
        };
        let mut lines: Vec<_> = snapshot.into_iter().map(line).collect();
        lines.sort();
        lines
    }
}
