//! Checks that all ways to watch an execution report the same events.

use coderun_domain::ExecutionId;
use coderun_domain::testing::finished;
use serde_json::Value;

use crate::support::event_source::EventSource;
use crate::support::{Server, until};

/// Starts, runs and finishes an execution.
async fn run(server: &Server, id: ExecutionId) {
    server.backend.start(id);
    for text in ["one\n", "grün", "\u{1f600}", "\0\u{7}\"\\"] {
        server.backend.write(id, text);
        tokio::task::yield_now().await;
    }
    server.backend.write(id, vec![0xff, 0xc3]);
    server.backend.await_input(id);
    server.backend.write(id, "the end");
    server.backend.finish(id, finished());
}

async fn by_socket(server: &Server, id: ExecutionId) -> Vec<Value> {
    let mut socket = server.watch_since(id, 0).await;
    let mut events = Vec::new();
    loop {
        match socket.text_or_code().await {
            Ok(message) => events.push(message),
            Err(code) => {
                assert_eq!(code, 1000);
                return events;
            }
        }
    }
}

/// Reads the events by streams that break after every event.
async fn by_broken_streams(server: &Server, id: ExecutionId) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut last = "0".to_owned();
    loop {
        let request = || server.events(id, "").header("last-event-id", &last);
        if request().send().await.status().as_u16() == 204 {
            return seen;
        }
        let mut events = EventSource::open(request()).await;
        let frame = events.next().await;
        assert_eq!(frame.event.as_deref(), frame.data["type"].as_str());
        last = frame.id.unwrap();
        assert_eq!(last, frame.data["seq"].to_string());
        seen.push(frame.data);
    }
}

async fn by_stream(server: &Server, id: ExecutionId) -> Vec<Value> {
    let mut events = EventSource::open(server.events(id, "?since=0")).await;
    let mut seen = Vec::new();
    while let Some(frame) = events.frame().await {
        assert_eq!(frame.id.unwrap(), frame.data["seq"].to_string());
        seen.push(frame.data);
    }
    seen
}

/// Reads the records by long polls.
async fn by_long_polls(server: &Server, id: ExecutionId) -> Vec<Value> {
    let mut records: Vec<Value> = Vec::new();
    let mut since = 0;
    loop {
        let path = format!("/api/v1/executions/status/{id}?wait=60&since={since}");
        let mut record = server.get(&path).await.json();
        since = record["seq"].as_u64().unwrap();
        for key in ["user_id", "code", "input_data"] {
            record.as_object_mut().unwrap().remove(key);
        }
        let is_final = record["completed_at"].is_string();
        records.push(record);
        if is_final {
            return records;
        }
    }
}

#[tokio::test]
async fn all_ways_to_watch_report_the_same_events() {
    let (server, id) = Server::pending();
    let running = async {
        // One read for each stream, two for the poll that is answered at once, and one for the poll that waits.
        until(|| server.backend.reads() >= 5).await;
        run(&server, id).await;
    };
    let (live, streamed, polled, ()) = tokio::join!(
        by_socket(&server, id),
        by_stream(&server, id),
        by_long_polls(&server, id),
        running,
    );
    let numbers: Vec<u64> = live.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    assert_eq!(streamed, live, "by a stream");
    assert_eq!(by_socket(&server, id).await, live, "replayed");
    assert_eq!(by_broken_streams(&server, id).await, live, "resumed");
    // A long poll sees the current record, so it may skip updates.
    let updates: Vec<&Value> = live
        .iter()
        .filter(|message| message["type"] == "execution_update")
        .map(|message| &message["data"])
        .collect();
    assert_eq!(polled.last(), updates.last().copied());
    let statuses = |records: &[&Value]| -> Vec<String> {
        let all = records.iter().map(|record| record["status"].to_string());
        all.collect()
    };
    let pushed = statuses(&updates);
    let polled = statuses(&polled.iter().collect::<Vec<_>>());
    let mut seen = pushed.iter();
    assert!(
        polled.iter().all(|status| seen.any(|it| it == status)),
        "{polled:?} among {pushed:?}"
    );
}
