//! However somebody watches, the story is the same.

use coderun_domain::testing::finished;
use serde_json::Value;

use crate::support::{Server, until};
use coderun_domain::ExecutionId;

/// Everything that happens to one execution, while somebody watches.
async fn happen(server: &Server, id: ExecutionId) {
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
    let mut socket = server.watch_all(id).await;
    let mut story = Vec::new();
    loop {
        match socket.text_or_code().await {
            Ok(message) => story.push(message),
            Err(code) => {
                assert_eq!(code, 1000);
                return story;
            }
        }
    }
}

/// By a stream that breaks after every event and is resumed after it.
async fn by_broken_streams(server: &Server, id: ExecutionId) -> Vec<Value> {
    let mut story = Vec::new();
    let mut last = "0".to_owned();
    loop {
        let request = server.events(id, "").header("last-event-id", &last);
        let response = request.send().await.unwrap();
        if response.status().as_u16() == 204 {
            return story;
        }
        let request = server.events(id, "").header("last-event-id", &last);
        let mut events = crate::support::event_source::EventSource::open(request).await;
        let frame = events.next().await;
        assert_eq!(frame.event.as_deref(), frame.data["type"].as_str());
        last = frame.id.unwrap();
        assert_eq!(last, frame.data["seq"].to_string());
        story.push(frame.data);
    }
}

async fn by_stream(server: &Server, id: ExecutionId) -> Vec<Value> {
    let mut events = server.follow(id).await;
    let mut story = Vec::new();
    while let Some(frame) = events.frame().await {
        assert_eq!(frame.id.unwrap(), frame.data["seq"].to_string());
        story.push(frame.data);
    }
    story
}

/// The records that answers brought which waited for a change.
async fn by_waiting(server: &Server, id: ExecutionId) -> Vec<Value> {
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
async fn it_is_one_story_for_all_who_watch() {
    let server = Server::start();
    let id = server.backend.pending();
    let happening = async {
        until(|| server.backend.watchers() >= 3).await;
        happen(&server, id).await;
    };
    let (live, streamed, waited, ()) = tokio::join!(
        by_socket(&server, id),
        by_stream(&server, id),
        by_waiting(&server, id),
        happening,
    );
    let numbers: Vec<u64> = live.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    assert_eq!(streamed, live, "live, by another way");
    assert_eq!(by_socket(&server, id).await, live, "told again");
    assert_eq!(by_broken_streams(&server, id).await, live, "resumed");
    // Who waits sees the record as it stands, which is the last update before the output that followed.
    let updates: Vec<&Value> = live
        .iter()
        .filter(|message| message["type"] == "execution_update")
        .map(|message| &message["data"])
        .collect();
    assert_eq!(waited.last(), updates.last().copied());
    let statuses = |records: &[&Value]| -> Vec<String> {
        let all = records.iter().map(|record| record["status"].to_string());
        all.collect()
    };
    let told = statuses(&updates);
    let waited = statuses(&waited.iter().collect::<Vec<_>>());
    let mut seen = told.iter();
    assert!(
        waited.iter().all(|status| seen.any(|it| it == status)),
        "{waited:?} among {told:?}"
    );
}
