//! Tests that watchers get all output once and in order, over every transport and after disconnects.

use coderun_redis_fixture::RedisServer;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{EventLog, Launch, Service, Socket};

/// Disconnects of the socket.
const DISCONNECTS: usize = 100;

/// Writes a line every 10 ms, some lines to stderr, split characters and bytes that are not text.
const PROGRAM: &str = r"
import os, time
for number in range(600):
    os.write(1, b'line %d \xc3' % number)
    if number % 7 == 0:
        os.write(2, b'note %d\n' % number)
    time.sleep(0.01)
    os.write(1, b'\xa9\n' if number % 50 else b'\xff\x00\n')
";

fn expected_output() -> (Vec<u8>, Vec<u8>) {
    let (mut output, mut notes) = (Vec::new(), Vec::new());
    for number in 0..600 {
        output.extend_from_slice(format!("line {number} ").as_bytes());
        output.push(0xc3);
        let end: &[u8] = if number % 50 == 0 {
            b"\xff\0\n"
        } else {
            b"\xa9\n"
        };
        output.extend_from_slice(end);
        if number % 7 == 0 {
            notes.extend_from_slice(format!("note {number}\n").as_bytes());
        }
    }
    (output, notes)
}

/// A number from 0 to 2 that looks random.
fn message_count(number: usize) -> usize {
    (number.wrapping_mul(2_654_435_761) >> 7) % 3
}

#[tokio::test]
async fn a_watcher_that_reconnects_a_hundred_times_gets_every_byte_once() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let replicas: Vec<Service> = (0..3).map(|_| launch.start()).collect();
    let token = launch.token("alice");
    let body = json!({"code": PROGRAM, "language": "python", "limits": {"wall_time_ms": 60_000}});
    let id = replicas[0].submit(&token, &body).await;
    let mut events = EventLog::default();
    for disconnect in 0..DISCONNECTS {
        let replica = &replicas[disconnect % replicas.len()];
        let mut socket = replica
            .watch_since(&token, &id, events.last_sequence())
            .await;
        for _ in 0..message_count(disconnect) {
            let message = socket.next().await;
            events.push(message.expect("more messages after every disconnect"));
        }
        drop(socket);
    }
    let socket = replicas[0].watch_since(&token, &id, events.last_sequence());
    assert_eq!(events.read_until_closed(socket.await).await, 1000);
    assert!(events.is_gap_free(), "{:?}", events.numbers());
    let (output, notes) = expected_output();
    assert!(
        events.bytes("stdout") == output,
        "stdout is not what was written"
    );
    assert!(
        events.bytes("stderr") == notes,
        "stderr is not what was written"
    );
    let last = events.last_update();
    assert_eq!(last["verdict"], "accepted", "{last}");
}

/// The messages that three kinds of watchers received.
struct Received {
    socket: EventLog,
    events: Vec<Value>,
    polls: Vec<Value>,
}

async fn receive(replicas: &[Service; 3], token: &str, id: &str) -> Received {
    let [first, second, third] = replicas;
    let mut log = EventLog::default();
    let events = async {
        let source = second.events_since(token, id, 0).await;
        let events = source.all().await.into_iter();
        let numbered = events.filter(|event| event.id.is_some());
        numbered
            .inspect(|event| {
                assert_eq!(event.id, event.data["seq"].as_u64());
                assert_eq!(event.kind, event.data["type"].as_str().unwrap());
            })
            .map(|event| event.data)
            .collect()
    };
    let polls = async {
        let (mut records, mut since) = (Vec::new(), 0);
        loop {
            let path = format!("/api/v1/executions/status/{id}?wait=20&since={since}");
            let record = third.read(&path, token).await;
            since = record["seq"].as_u64().unwrap();
            let is_final = !record["verdict"].is_null();
            records.push(record);
            if is_final {
                return records;
            }
        }
    };
    let socket = first.watch_since(token, id, 0).await;
    let (code, events, polls) = tokio::join!(log.read_until_closed(socket), events, polls);
    assert_eq!(code, 1000);
    Received {
        socket: log,
        events,
        polls,
    }
}

#[tokio::test]
async fn websocket_event_stream_and_long_polls_agree() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let replicas = [launch.start(), launch.start(), launch.start()];
    let token = launch.token("alice");
    let code = "import time\nfor n in range(20):\n    print(n, flush=True)\n    time.sleep(0.05)";
    let body = json!({"code": code, "language": "python"});
    let id = replicas[0].submit(&token, &body).await;
    let received = receive(&replicas, &token, &id).await;
    assert!(received.socket.is_gap_free());
    assert_eq!(received.socket.messages(), received.events);
    let updates = received.socket.messages().iter();
    let updates = updates.filter(|message| message["type"] == "execution_update");
    let state = |record: &Value| (record["status"].clone(), record["verdict"].clone());
    let updates: Vec<_> = updates.map(|message| state(&message["data"])).collect();
    let polled: Vec<_> = received.polls.iter().map(state).collect();
    // A poll sees the execution as it stands, so it may miss a state that did not last.
    let mut rest = updates.iter();
    assert!(
        polled.iter().all(|seen| rest.any(|update| update == seen)),
        "{polled:?} is not in {updates:?}"
    );
    assert_eq!(polled.last(), updates.last());
    let record = received.polls.last().unwrap();
    let written = String::from_utf8(received.socket.bytes("stdout")).unwrap();
    assert_eq!(record["output"], written);
}

#[tokio::test]
async fn a_watcher_that_has_seen_the_end_gets_204_or_a_close() {
    let (service, token) = Service::with_user();
    let body = json!({"code": "print(1)", "language": "python"});
    let record = service.run(&token, &body).await;
    let (id, last) = (record["execution_id"].as_str(), record["seq"].as_u64());
    let (id, last) = (id.unwrap(), last.unwrap());
    let over = service.try_events_since(&token, id, last).await;
    assert_eq!(over.status(), StatusCode::NO_CONTENT);
    let (messages, code) = service
        .watch_since(&token, id, last)
        .await
        .until_closed()
        .await;
    assert_eq!((messages, code), (Vec::new(), 1000));
}

#[tokio::test]
async fn clients_without_since_see_updates_only() {
    let (service, token) = Service::with_user();
    let body = json!({
        "code": "import sys, time\nprint('x', flush=True)\ntime.sleep(0.5)\nsys.stdin.read()",
        "language": "python",
        "interactive": true,
        "limits": {"wall_time_ms": 3_000},
    });
    let id = service.submit(&token, &body).await;
    let mut socket: Socket = service.watch(&token, &id).await;
    socket.send(&json!({"type": "ping"})).await;
    socket.send(&json!({"type": "nonsense"})).await;
    let (messages, code) = socket.until_closed().await;
    assert_eq!(code, 1000);
    for message in &messages {
        assert_eq!(message["type"], "execution_update", "{message}");
    }
    assert_eq!(messages.last().unwrap()["data"]["verdict"], "time_limit");
}

/// Stdout is ready first, whatever the service does meanwhile, and with line buffering it survives the crash.
#[tokio::test]
async fn a_line_before_an_error_and_a_crash_is_told_before_it() {
    let (service, token) = Service::with_user();
    let code = "#include <stdio.h>\n#include <stdlib.h>\n\
        int main(void) { printf(\"checkpoint\\n\"); fprintf(stderr, \"broken\\n\"); abort(); }";
    for (buffering, expected) in [
        (
            "line",
            &[("stdout", "checkpoint\n"), ("stderr", "broken\n")][..],
        ),
        ("full", &[("stderr", "broken\n")]),
    ] {
        let body = json!({"code": code, "language": "c", "buffering": buffering});
        let id = service.submit(&token, &body).await;
        let mut events = EventLog::default();
        let socket = service.watch_since(&token, &id, 0).await;
        assert_eq!(events.read_until_closed(socket).await, 1000);
        let told = events.messages().iter().filter_map(|message| {
            let data = &message["data"];
            Some((data["stream"].as_str()?, data["text"].as_str()?))
        });
        assert!(told.eq(expected.iter().copied()), "{:?}", events.messages());
    }
}
