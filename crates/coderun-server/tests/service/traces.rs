//! Tests that logs and exported spans belong to the trace of the client.

use serde_json::{Value, json};

use crate::collector::Collector;
use crate::support::{Launch, Service, unused_address};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID: &str = "00f067aa0ba902b7";

/// Submits within that trace and waits for the end.
async fn run(service: &Service) {
    let token = service.token("alice");
    let request = service
        .post("/api/v1/executions/execute", &token)
        .header("traceparent", format!("00-{TRACE_ID}-{PARENT_ID}-01"))
        .json(&json!({"code": "print('hush')", "language": "python"}));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let id = answer["execution_id"].as_str().unwrap();
    service.final_record(&token, id).await;
}

/// Stops the service, so that it sends its last spans, and returns its log.
async fn end(mut service: Service) -> String {
    service.signal("TERM");
    assert_eq!(service.ended().await, Some(0));
    service.log()
}

#[tokio::test]
async fn the_log_of_a_run_names_the_trace() {
    let service = Service::start();
    run(&service).await;
    let log = end(service).await;
    let events = log.lines().map(serde_json::from_str::<Value>);
    let finished = events
        .filter_map(Result::ok)
        .find(|event| event["message"] == "run finished");
    assert_eq!(finished.unwrap()["span"]["trace_id"], TRACE_ID);
}

#[tokio::test]
async fn without_a_collector_nothing_is_sent() {
    let service = Service::start();
    run(&service).await;
    let log = end(service).await;
    assert!(!log.contains("traces"), "{log}");
}

#[tokio::test]
async fn a_run_is_a_child_of_the_span_of_its_client() {
    let collector = Collector::start();
    let service = Launch::new()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .start();
    run(&service).await;
    end(service).await;
    let run = collector.span("run");
    assert_eq!(
        (run.trace_id.as_str(), run.parent_id.as_str()),
        (TRACE_ID, PARENT_ID)
    );
    assert_eq!(run.service, "coderun");
    let names: Vec<_> = run.attributes.iter().map(String::as_str).collect();
    for name in ["execution_id", "attempt", "language"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for span in collector.spans() {
        for secret in ["hush", "alice"] {
            assert!(!span.whole.contains(secret), "{}", span.whole);
        }
    }
}

#[tokio::test]
async fn a_request_is_a_child_of_the_span_of_its_client() {
    let collector = Collector::start();
    let service = Launch::new()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .with("OTEL_SERVICE_NAME", "another name")
        .start();
    run(&service).await;
    end(service).await;
    let requests = collector.spans();
    let mut requests = requests.iter().filter(|span| span.name == "request");
    let ours = requests.find(|span| span.trace_id == TRACE_ID);
    let ours = ours.unwrap_or_else(|| panic!("no request in {:?}", collector.spans()));
    assert_eq!(ours.parent_id, PARENT_ID);
    assert_eq!(ours.service, "another name");
}

#[tokio::test]
async fn an_unreachable_collector_does_not_stop_the_shutdown() {
    let address = unused_address();
    let service = Launch::new()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}"))
        .start();
    run(&service).await;
    end(service).await;
}
