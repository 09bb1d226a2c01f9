//! Sends traces to an OpenTelemetry collector, over HTTP.
//!
//! What the OpenTelemetry specification names in variables beyond the endpoint (`OTEL_SERVICE_NAME`, samplers, headers,
//! batches) its own libraries read.

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

use super::joined::JoiningTracer;
use crate::Environment;

/// The variables that name a collector: for everything, or for traces alone.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];
/// What this service is called where `OTEL_SERVICE_NAME` says nothing.
const SERVICE_NAME: &str = "coderun";
/// Only what is ours is traced, and so not how traces are sent.
const OURS: &str = "coderun";
/// At the end, sending what is left may take so long.
const DEADLINE: Duration = Duration::from_secs(3);

/// What is not sent yet.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: Option<SdkTracerProvider>,
}

type TraceLayer<S> = Filtered<OpenTelemetryLayer<S, JoiningTracer<SdkTracer>>, Targets, S>;

impl Traces {
    /// Begins to send where the environment names a collector; otherwise there is no layer.
    pub(super) fn start<S>(
        environment: &dyn Environment,
    ) -> anyhow::Result<(Self, Option<TraceLayer<S>>)>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let mut is_wanted = false;
        for name in ENDPOINTS {
            is_wanted |= environment.get(name)?.is_some();
        }
        if !is_wanted {
            return Ok((Self { provider: None }, None));
        }
        let exporter = SpanExporter::builder().with_http().build();
        // The cause would repeat the address, which may hold a key.
        let exporter = exporter.map_err(|_| {
            anyhow!("OTEL_EXPORTER_OTLP_ENDPOINT is not an address that traces can be sent to")
        })?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(environment)?)
            .with_batch_exporter(exporter)
            .build();
        let tracer = JoiningTracer(provider.tracer(OURS));
        let layer = OpenTelemetryLayer::new(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(OURS, Level::INFO));
        let provider = Some(provider);
        Ok((Self { provider }, Some(layer)))
    }

    /// Says that traces are sent; where to is not for a log, because the address may hold a key.
    pub(super) fn tell(&self) {
        if self.provider.is_some() {
            tracing::info!("sending traces to the collector");
        }
    }

    /// Sends what is left, within three seconds.
    pub(crate) fn finish(&self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown_with_timeout(DEADLINE)
        {
            tracing::warn!(%error, "the last traces are lost");
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
