//! Collects the spans that a service sends with OpenTelemetry.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use parking_lot::Mutex;
use prost::Message as _;

use crate::support::HttpServer;

/// A received span.
#[derive(Debug, Clone)]
pub(crate) struct SentSpan {
    pub(crate) name: String,
    /// In hexadecimal digits.
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
    /// The names of its attributes.
    pub(crate) attributes: Vec<String>,
    /// The name of the service.
    pub(crate) service: String,
    /// The whole span as text.
    pub(crate) whole: String,
}

/// A collector until it is dropped.
pub(crate) struct Collector {
    server: HttpServer,
    spans: Arc<Mutex<Vec<SentSpan>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let spans = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&spans);
        let server = HttpServer::start(move |request| {
            assert_eq!(request.path, "/v1/traces");
            received.lock().extend(decode(&request.body));
            Some(String::new())
        });
        Self { server, spans }
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// All spans received so far.
    pub(crate) fn spans(&self) -> Vec<SentSpan> {
        self.spans.lock().clone()
    }

    /// The first with this name.
    pub(crate) fn span(&self, name: &str) -> SentSpan {
        let spans = self.spans();
        let found = spans.iter().find(|span| span.name == name).cloned();
        found.unwrap_or_else(|| panic!("no {name} in {spans:?}"))
    }
}

fn decode(body: &[u8]) -> Vec<SentSpan> {
    let request = ExportTraceServiceRequest::decode(body).expect("spans");
    let mut found = Vec::new();
    for resource_spans in request.resource_spans {
        let resource = resource_spans.resource.unwrap_or_default();
        let service = text_of(&resource.attributes, "service.name");
        let scopes = resource_spans.scope_spans.into_iter();
        found.extend(scopes.flat_map(|scope| scope.spans).map(|span| SentSpan {
            whole: format!("{span:?}"),
            attributes: span.attributes.iter().map(|it| it.key.clone()).collect(),
            trace_id: hexadecimal(&span.trace_id),
            parent_id: hexadecimal(&span.parent_span_id),
            service: service.clone(),
            name: span.name,
        }));
    }
    found
}

fn text_of(attributes: &[KeyValue], key: &str) -> String {
    let attribute = attributes.iter().find(|it| it.key == key);
    match attribute.and_then(|it| it.value.as_ref()) {
        Some(AnyValue {
            value: Some(Value::StringValue(text)),
        }) => text.clone(),
        other => panic!("{key} is {other:?}"),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}
