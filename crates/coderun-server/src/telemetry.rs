//! Starts structured logs on stderr, and sends traces to a collector if the environment names one.

#[cfg(feature = "otel")]
mod remote_parent;
#[cfg(feature = "otel")]
#[path = "telemetry/collector.rs"]
mod traces;
#[cfg(not(feature = "otel"))]
#[path = "telemetry/no_collector.rs"]
mod traces;

use std::io::IsTerminal as _;

use anyhow::anyhow;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::settings::LogFormat;
use crate::{Environment, NotUnicode};

pub(crate) use traces::Traces;

/// The log filter without `RUST_LOG`.
const DEFAULT_FILTER: &str = "info";

/// The variables that name a collector: for everything, or for traces alone.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];

/// Libraries that log addresses at `debug` and contents at `trace`, which may hold secrets.
const LIMITED_TO_WARN: [&str; 6] = [
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "tungstenite",
];

/// Modules that log at `error` what only a client has done, such as a malformed head: it could fill the log.
const ABOUT_CLIENTS: [&str; 2] = ["actix_http::h1::decoder", "actix_http::h1::dispatcher"];

/// The library that tells at `info`, in several lines, what the line `listening` has said before.
const REPEATS: &str = "actix_server";

/// Starts logging for the whole process, and tracing if the environment names a collector.
///
/// Before the process ends, [`Traces::flush`] sends the last traces.
pub(crate) fn start(
    format: Option<LogFormat>,
    environment: &dyn Environment,
) -> anyhow::Result<Traces> {
    let filter = filter(environment)?;
    let (traces, layer) = Traces::start(environment)?;
    match layer {
        Some(layer) => Registry::default()
            .with(layer)
            .with(log(format).with_filter(filter))
            .try_init()?,
        None => log_alone(format, filter).try_init()?,
    }
    traces.log_start();
    Ok(traces)
}

/// Logs, and nothing else. A layer that has no filter of its own, even an absent one, would make the events that the filter
/// disables be checked each time they occur: libraries have several for every request.
fn log_alone(
    format: Option<LogFormat>,
    filter: EnvFilter,
) -> impl Subscriber + Send + Sync + 'static {
    Registry::default().with(log(format).with_filter(filter))
}

/// The variable that names a collector, if there is one.
fn collector_variable(environment: &dyn Environment) -> Result<Option<&'static str>, NotUnicode> {
    let mut found = None;
    for name in ENDPOINTS {
        if environment.get(name)?.is_some() {
            found = Some(name);
        }
    }
    Ok(found)
}

fn filter(environment: &dyn Environment) -> anyhow::Result<EnvFilter> {
    let directives = environment.get("RUST_LOG")?;
    let directives = directives.as_deref().unwrap_or(DEFAULT_FILTER);
    // The error names its cause itself.
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        anyhow!("RUST_LOG is `{directives}`, which is not a log filter: {error}")
    })?;
    let limited = LIMITED_TO_WARN.iter().map(|it| format!("{it}=warn"));
    // Who asks for more of it gets it.
    let is_asked_for = directives.contains("actix_http") || is_debugging(directives);
    let silent = ABOUT_CLIENTS.iter().filter(|_| !is_asked_for);
    let silent = silent.map(|it| format!("{it}=off"));
    let is_wanted = directives.contains(REPEATS) || is_debugging(directives);
    let repeating = (!is_wanted).then(|| format!("{REPEATS}=warn"));
    let mut added = limited.chain(silent).chain(repeating);
    added.try_fold(filter, |filter, directive| {
        Ok(filter.add_directive(directive.parse()?))
    })
}

/// Whether everything is logged for debugging.
fn is_debugging(directives: &str) -> bool {
    let mut directives = directives.split(',').map(str::trim);
    directives.any(|it| it.eq_ignore_ascii_case("debug") || it.eq_ignore_ascii_case("trace"))
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

#[cfg(test)]
mod tests {
    use tracing::level_filters::LevelFilter;

    use super::*;

    #[test]
    fn what_clients_do_is_logged_for_debugging_only() {
        let filter_of = |directives: &'static str| {
            let environment = std::collections::HashMap::from([("RUST_LOG", directives)]);
            filter(&environment).unwrap().to_string()
        };
        let silenced = "actix_http::h1::dispatcher=off";
        for directives in ["", "info", "coderun_http=debug,warn"] {
            assert!(filter_of(directives).contains(silenced), "{directives}");
        }
        for directives in ["debug", "TRACE", "info,actix_http=debug"] {
            assert!(!filter_of(directives).contains(silenced), "{directives}");
        }
    }

    #[test]
    fn the_log_of_a_start_ends_with_the_address_to_open() {
        let filter_of = |directives: &'static str| {
            let environment = std::collections::HashMap::from([("RUST_LOG", directives)]);
            filter(&environment).unwrap().to_string()
        };
        assert!(filter_of("info").contains("actix_server=warn"));
        for directives in ["debug", "info,actix_server=info"] {
            assert!(!filter_of(directives).contains("actix_server=warn"));
        }
    }

    #[test]
    fn events_below_the_filter_are_disabled_once_for_all() {
        let subscriber = log_alone(None, EnvFilter::new("coderun_server=info"));
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
    }
}
