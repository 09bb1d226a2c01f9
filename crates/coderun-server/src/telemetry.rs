//! Structured logs on stderr, and traces for a collector where one is named.

#[cfg(feature = "otel")]
mod joined;
#[cfg(feature = "otel")]
#[path = "telemetry/collector.rs"]
mod traces;
#[cfg(not(feature = "otel"))]
#[path = "telemetry/no_collector.rs"]
mod traces;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::Environment;
use crate::settings::LogFormat;

pub(crate) use traces::Traces;

/// What is logged without `RUST_LOG`.
const FILTER: &str = "info";

/// Clients that tell at `debug` where they connect to, and at `trace` what they send. Neither is for a log.
const DISCREET: [&str; 5] = ["h2", "hyper", "hyper_util", "reqwest", "rustls"];

/// Starts logging for the whole process, and tracing where the environment names a collector.
///
/// What is left of traces when the process ends has to be sent with [`Traces::finish`].
pub(crate) fn start(
    format: Option<LogFormat>,
    environment: &dyn Environment,
) -> anyhow::Result<Traces> {
    let filter = filter(environment)?;
    let (traces, layer) = Traces::start(environment)?;
    Registry::default()
        .with(layer)
        .with(log(format).with_filter(filter))
        .try_init()?;
    traces.tell();
    Ok(traces)
}

fn filter(environment: &dyn Environment) -> anyhow::Result<EnvFilter> {
    let directives = environment.get("RUST_LOG")?;
    let directives = directives.as_deref().unwrap_or(FILTER);
    let filter = EnvFilter::try_new(directives)
        .with_context(|| format!("RUST_LOG is `{directives}`, which is not a log filter"))?;
    DISCREET.iter().try_fold(filter, |filter, client| {
        let directive = format!("{client}=warn").parse()?;
        Ok(filter.add_directive(directive))
    })
}

fn log<S>(format: Option<LogFormat>) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let terminal = std::io::stderr().is_terminal();
    let format = format.unwrap_or(if terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    let layer = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Pretty => layer.with_ansi(terminal).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}
