//! Sends traces to an OpenTelemetry collector, over HTTP.
//!
//! The OpenTelemetry libraries themselves read the other variables of its specification: samplers, headers, batches.

use std::time::Duration;

use anyhow::anyhow;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{Level, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Filtered, Targets};
use tracing_subscriber::registry::LookupSpan;

use super::collector_variable;
use super::remote_parent::RemoteParentTracer;
use crate::Environment;

/// The service name without `OTEL_SERVICE_NAME`.
const SERVICE_NAME: &str = "coderun";
/// Only spans of these crates are traced, and so not the sending of traces.
const TARGET: &str = "coderun";
/// Time to send the last traces at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// The sender of traces, if there is a collector.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: Option<SdkTracerProvider>,
}

type TraceLayer<S> = Filtered<OpenTelemetryLayer<S, RemoteParentTracer<SdkTracer>>, Targets, S>;

impl Traces {
    /// Begins to send traces if the environment names a collector; otherwise there is no layer.
    pub(super) fn start<S>(
        environment: &dyn Environment,
    ) -> anyhow::Result<(Self, Option<TraceLayer<S>>)>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if collector_variable(environment)?.is_none() {
            return Ok((Self { provider: None }, None));
        }
        let exporter = SpanExporter::builder().with_http().build();
        // The cause would repeat the address, which may hold a key.
        let exporter = exporter.map_err(|_| {
            anyhow!("OTEL_EXPORTER_OTLP_ENDPOINT is not a valid address for traces")
        })?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(environment)?)
            .with_batch_exporter(exporter)
            .build();
        let tracer = RemoteParentTracer(provider.tracer(TARGET));
        let layer = OpenTelemetryLayer::new(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, Level::INFO));
        let provider = Some(provider);
        Ok((Self { provider }, Some(layer)))
    }

    /// Logs that traces are sent, without the address, which may hold a key.
    pub(super) fn log_start(&self) {
        if self.provider.is_some() {
            tracing::info!("sending traces to the collector");
        }
    }

    /// Sends the last traces, within three seconds.
    pub(crate) fn flush(&self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown_with_timeout(FLUSH_TIMEOUT)
        {
            tracing::warn!(%error, "cannot send the last traces");
        }
    }
}

fn resource(environment: &dyn Environment) -> anyhow::Result<Resource> {
    let resource = Resource::builder();
    Ok(match environment.get("OTEL_SERVICE_NAME")? {
        Some(_) => resource.build(),
        None => resource.with_service_name(SERVICE_NAME).build(),
    })
}
