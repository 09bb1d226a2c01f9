//! Structured logs on stderr.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::Environment;
use crate::settings::LogFormat;

/// What is logged without `RUST_LOG`.
const FILTER: &str = "info";

/// Clients that tell at `debug` where they connect to, and at `trace` what they send. Neither is for a log.
const DISCREET: [&str; 5] = ["h2", "hyper", "hyper_util", "reqwest", "rustls"];

/// Starts logging for the whole process.
pub(crate) fn start(
    format: Option<LogFormat>,
    environment: &dyn Environment,
) -> anyhow::Result<()> {
    let directives = environment.get("RUST_LOG")?;
    let directives = directives.as_deref().unwrap_or(FILTER);
    let filter = EnvFilter::try_new(directives)
        .with_context(|| format!("RUST_LOG is `{directives}`, which is not a log filter"))?;
    let filter = DISCREET.iter().try_fold(filter, |filter, client| {
        let directive = format!("{client}=warn").parse()?;
        Ok::<_, anyhow::Error>(filter.add_directive(directive))
    })?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    let format = format.unwrap_or(if terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    match format {
        LogFormat::Pretty => builder.with_ansi(terminal).finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}
