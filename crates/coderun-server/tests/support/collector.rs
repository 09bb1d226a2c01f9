//! An OpenTelemetry collector that keeps what it is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message as _;

/// What is looked at of a span.
#[derive(Debug, Clone)]
pub(crate) struct SentSpan {
    pub(crate) name: String,
    /// In hexadecimal digits.
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
    /// The names of its attributes.
    pub(crate) attributes: Vec<String>,
    /// Whose it is.
    pub(crate) service: String,
    /// All of it, as it came.
    pub(crate) whole: String,
}

/// Listens until the test process ends.
pub(crate) struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<SentSpan>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&spans);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let sent = receive(stream.expect("a connection"));
                kept.lock().expect("the spans").extend(sent);
            }
        });
        Self { address, spans }
    }

    /// What stands in `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was sent so far.
    pub(crate) fn spans(&self) -> Vec<SentSpan> {
        self.spans.lock().expect("the spans").clone()
    }

    /// The first with this name.
    pub(crate) fn span(&self, name: &str) -> SentSpan {
        let spans = self.spans();
        let found = spans.iter().find(|span| span.name == name).cloned();
        found.unwrap_or_else(|| panic!("no {name} in {spans:?}"))
    }
}

/// Takes one request and answers it.
fn receive(mut stream: TcpStream) -> Vec<SentSpan> {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request");
    assert!(line.starts_with("POST /v1/traces "), "{line}");
    let mut length = 0;
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .expect("somebody who listens");
    spans(&body)
}

fn spans(body: &[u8]) -> Vec<SentSpan> {
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
