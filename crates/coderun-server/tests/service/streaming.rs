//! Output while it is written: one story, however it is told and however often its telling is cut.

use coderun_redis_fixture::RedisServer;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Launch, Service, Socket, Story};

/// How often the socket is cut.
const CUTS: usize = 100;

/// Writes a line every hundredth of a second, and to stderr, and now and then half a character or no text at all.
const CHATTY: &str = r"
import os, time
for number in range(600):
    os.write(1, b'line %d \xc3' % number)
    if number % 7 == 0:
        os.write(2, b'note %d\n' % number)
    time.sleep(0.01)
    os.write(1, b'\xa9\n' if number % 50 else b'\xff\x00\n')
";

fn chatty_output() -> (Vec<u8>, Vec<u8>) {
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

/// Numbers from 0 to 2 that look random.
fn few(number: usize) -> usize {
    (number.wrapping_mul(2_654_435_761) >> 7) % 3
}

#[tokio::test]
async fn a_watcher_cut_off_a_hundred_times_on_three_replicas_gets_every_byte_once() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let replicas: Vec<Service> = (0..3).map(|_| launch.start()).collect();
    let token = launch.token("alice");
    let body = json!({"code": CHATTY, "language": "python", "limits": {"wall_time_ms": 60_000}});
    let id = replicas[0].submit(&token, &body).await;
    let mut story = Story::default();
    for cut in 0..CUTS {
        let replica = &replicas[cut % replicas.len()];
        let mut socket = replica.watch_since(&token, &id, story.last_number()).await;
        for _ in 0..few(cut) {
            let message = socket.next().await;
            story.push(message.expect("there is more to come after every cut"));
        }
        // Nobody says good-bye.
        drop(socket);
    }
    let socket = replicas[0].watch_since(&token, &id, story.last_number());
    assert_eq!(story.follow(socket.await).await, 1000);
    assert!(story.is_gap_free(), "{:?}", story.numbers());
    let (output, notes) = chatty_output();
    assert!(
        story.bytes("stdout") == output,
        "stdout is not what was written"
    );
    assert!(
        story.bytes("stderr") == notes,
        "stderr is not what was written"
    );
    let last = story.last_update();
    assert_eq!(last["verdict"], "accepted", "{last}");
}

/// What three kinds of watchers were told of one execution.
struct Told {
    socket: Story,
    events: Vec<Value>,
    polls: Vec<Value>,
}

async fn told(replicas: &[Service; 3], token: &str, id: &str) -> Told {
    let [first, second, third] = replicas;
    let mut story = Story::default();
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
    let (code, events, polls) = tokio::join!(story.follow(socket), events, polls);
    assert_eq!(code, 1000);
    Told {
        socket: story,
        events,
        polls,
    }
}

#[tokio::test]
async fn socket_events_and_long_polls_tell_one_story() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let replicas = [launch.start(), launch.start(), launch.start()];
    let token = launch.token("alice");
    let code = "import time\nfor n in range(20):\n    print(n, flush=True)\n    time.sleep(0.05)";
    let body = json!({"code": code, "language": "python"});
    let id = replicas[0].submit(&token, &body).await;
    let told = told(&replicas, &token, &id).await;
    assert!(told.socket.is_gap_free());
    assert_eq!(told.socket.messages(), told.events);
    let updates = told.socket.messages().iter();
    let updates = updates.filter(|message| message["type"] == "execution_update");
    let state = |record: &Value| (record["status"].clone(), record["verdict"].clone());
    let updates: Vec<_> = updates.map(|message| state(&message["data"])).collect();
    let polled: Vec<_> = told.polls.iter().map(state).collect();
    // A poll sees the execution as it stands, so it may miss a state that did not last.
    let mut rest = updates.iter();
    assert!(
        polled.iter().all(|seen| rest.any(|update| update == seen)),
        "{polled:?} is not in {updates:?}"
    );
    assert_eq!(polled.last(), updates.last());
    let record = told.polls.last().unwrap();
    let written = String::from_utf8(told.socket.bytes("stdout")).unwrap();
    assert_eq!(record["output"], written);
}

#[tokio::test]
async fn whoever_has_seen_the_end_is_told_to_stop() {
    let service = Service::start();
    let token = service.token("alice");
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
async fn old_clients_see_updates_only() {
    let service = Service::start();
    let token = service.token("alice");
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
