//! Stands in for the sender of traces in a build without the feature `otel`.

use tracing_subscriber::layer::Identity;

use super::collector_variable;
use crate::Environment;

/// A sender that sends nothing.
#[derive(Debug)]
pub(crate) struct Traces {
    requested_by: Option<&'static str>,
}

impl Traces {
    pub(super) fn start(environment: &dyn Environment) -> anyhow::Result<(Self, Option<Identity>)> {
        let requested_by = collector_variable(environment)?;
        Ok((Self { requested_by }, None))
    }

    /// Warns if the environment names a collector; standard variables of other software are no reason to stop.
    pub(super) fn log_start(&self) {
        if let Some(name) = self.requested_by {
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
    pub(crate) const fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::telemetry::ENDPOINTS;

    fn requested_by(environment: &HashMap<&str, &str>) -> Option<&'static str> {
        Traces::start(environment).unwrap().0.requested_by
    }

    #[test]
    fn a_collector_in_the_environment_causes_a_warning() {
        for name in ENDPOINTS {
            let environment = HashMap::from([(name, "http://127.0.0.1:4318")]);
            assert_eq!(requested_by(&environment), Some(name));
        }
        assert_eq!(requested_by(&HashMap::new()), None);
    }
}
