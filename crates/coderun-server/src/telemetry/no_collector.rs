//! Traces of a build without the feature `otel`: none.

use tracing_subscriber::layer::Identity;

use crate::Environment;

/// The variables that would name a collector.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];

/// Nothing that could be sent.
#[derive(Debug)]
pub(crate) struct Traces {
    wanted: Option<&'static str>,
}

impl Traces {
    pub(super) fn start(environment: &dyn Environment) -> anyhow::Result<(Self, Identity)> {
        let mut wanted = None;
        for name in ENDPOINTS {
            if environment.get(name)?.is_some() {
                wanted = Some(name);
            }
        }
        Ok((Self { wanted }, Identity::new()))
    }

    /// Warns whoever expects traces: the variables are not ours, so that they cannot be refused.
    pub(super) fn tell(&self) {
        if let Some(name) = self.wanted {
            tracing::warn!(
                "{name} is set, but this build sends no traces: it lacks the feature `otel`"
            );
        }
    }

    /// Does nothing.
    #[expect(
        clippy::unused_self,
        reason = "the same call sends traces where there are any"
    )]
    pub(crate) const fn finish(&self) {}
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn wanted(environment: &HashMap<&str, &str>) -> Option<&'static str> {
        Traces::start(environment).unwrap().0.wanted
    }

    #[test]
    fn whoever_names_a_collector_is_warned() {
        for name in ENDPOINTS {
            let environment = HashMap::from([(name, "http://127.0.0.1:4318")]);
            assert_eq!(wanted(&environment), Some(name));
        }
        assert_eq!(wanted(&HashMap::new()), None);
    }
}
