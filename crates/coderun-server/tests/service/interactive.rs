//! Tests interactive programs, with input through any replica.

use coderun_redis_fixture::RedisServer;
use serde_json::{Value, json};

use crate::support::{
    EventLog, Launch, Service, Socket, descendants, eventually, find_runner, runs_marked,
    until_ended,
};

/// The session of `docs/interactive.md`.
const SESSION: &str = r#"name = input("What is your name? ")
age = int(input(f"Hello {name}, how old are you? "))
print(f"Next year you will be {age + 1}.")
"#;

async fn submit(service: &Service, token: &str, code: &str) -> String {
    let body = json!({"code": code, "language": "python", "interactive": true});
    service.submit(token, &body).await
}

async fn type_line(socket: &mut Socket, line: &str) {
    let data = format!("{line}\n");
    socket.send(&json!({"type": "stdin", "data": data})).await;
}

/// Waits until the program waits for input, and returns its output since the last time.
async fn prompt(socket: &mut Socket, events: &mut EventLog) -> String {
    let mut written = String::new();
    loop {
        let message = socket.next().await.expect("an open socket");
        events.push(message.clone());
        match message["type"].as_str() {
            Some("execution_output") => {
                written.push_str(message["data"]["text"].as_str().expect("text"));
            }
            Some("awaiting_input") => return written,
            _ => {}
        }
    }
}

async fn run_session(service: &Service, token: &str, id: &str) {
    let mut socket = service.watch_since(token, id, 0).await;
    let mut events = EventLog::default();
    let asked = prompt(&mut socket, &mut events).await;
    assert_eq!(asked, "What is your name? ");
    type_line(&mut socket, "Ada").await;
    let asked = prompt(&mut socket, &mut events).await;
    assert_eq!(asked, "Hello Ada, how old are you? ");
    type_line(&mut socket, "36").await;
    assert_eq!(events.read_until_closed(socket).await, 1000);
    assert!(events.is_gap_free(), "{events:?}");
    let last = events.last_update();
    assert_eq!(last["verdict"], "accepted", "{last}");
    let whole = "What is your name? Hello Ada, how old are you? Next year you will be 37.\n";
    assert_eq!(last["output"], whole);
    assert_eq!(events.bytes("stdout"), whole.as_bytes());
}

#[tokio::test]
async fn a_program_reads_typed_answers() {
    let (service, token) = Service::with_user();
    let id = submit(&service, &token, SESSION).await;
    run_session(&service, &token, &id).await;
}

#[tokio::test]
async fn input_is_accepted_by_any_replica() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let worker = launch.role("worker").start();
    let (here, there) = (launch.role("api").start(), launch.role("api").start());
    let token = launch.token("alice");
    here.until_readiness_is(reqwest::StatusCode::OK).await;
    there.until_readiness_is(reqwest::StatusCode::OK).await;
    let id = submit(&here, &token, SESSION).await;
    run_session(&there, &token, &id).await;
    drop(worker);
}

#[tokio::test]
async fn a_session_continues_after_a_reconnect() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let (one, other) = (launch.start(), launch.start());
    let token = launch.token("alice");
    let id = submit(&one, &token, SESSION).await;
    let mut events = EventLog::default();
    let mut socket = one.watch_since(&token, &id, 0).await;
    prompt(&mut socket, &mut events).await;
    type_line(&mut socket, "Ada").await;
    prompt(&mut socket, &mut events).await;
    drop(socket);
    let mut socket = other.watch_since(&token, &id, events.last_sequence()).await;
    type_line(&mut socket, "36").await;
    assert_eq!(events.read_until_closed(socket).await, 1000);
    assert!(events.is_gap_free(), "{events:?}");
    assert_eq!(events.last_update()["verdict"], "accepted");
}

#[tokio::test]
async fn closing_stdin_reaches_the_program() {
    let (service, token) = Service::with_user();
    let code = "import sys\nprint(len(sys.stdin.read()))";
    let id = submit(&service, &token, code).await;
    let mut socket = service.watch_since(&token, &id, 0).await;
    for _ in 0..10 {
        let data = "x".repeat(50_000);
        socket.send(&json!({"type": "stdin", "data": data})).await;
    }
    socket.send(&json!({"type": "stdin_close"})).await;
    let (messages, code) = socket.until_closed().await;
    assert_eq!(code, 1000);
    assert_eq!(messages.last().unwrap()["data"]["output"], "500000\n");
}

#[tokio::test]
async fn input_beyond_the_buffer_is_delayed_and_not_lost() {
    const PIECES: usize = 60;
    let (service, token) = Service::with_user();
    // It does not read at first, so that the buffer overflows.
    let code = "import sys, time\ntime.sleep(2)\nprint(len(sys.stdin.read()))";
    let id = submit(&service, &token, code).await;
    let mut socket = service.watch_since(&token, &id, 0).await;
    for _ in 0..PIECES {
        let data = "y".repeat(50_000);
        socket.send(&json!({"type": "stdin", "data": data})).await;
    }
    socket.send(&json!({"type": "stdin_close"})).await;
    let (messages, code) = socket.until_closed().await;
    assert_eq!(code, 1000);
    let output = &messages.last().unwrap()["data"]["output"];
    assert_eq!(output, &format!("{}\n", PIECES * 50_000));
}

#[tokio::test]
async fn any_replica_can_cancel_and_the_program_is_gone_before_the_last_event() {
    const MARKER: &str = "stopped-from-elsewhere";
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let (worker, api) = (launch.role("worker").start(), launch.role("api").start());
    let token = launch.token("alice");
    api.until_readiness_is(reqwest::StatusCode::OK).await;
    // One write: `print` makes two, and the program might be stopped between them.
    let code = "import os, subprocess, time\nsubprocess.Popen(['sleep', '50'])\nos.write(1, b'up\\n')\ntime.sleep(50)";
    let body = json!({
        "code": code, "language": "python", "interactive": true, "args": [MARKER],
    });
    let id = api.submit(&token, &body).await;
    let mut socket = api.watch_since(&token, &id, 0).await;
    socket.until("execution_output").await;
    assert!(runs_marked(worker.id(), MARKER));
    socket.send(&json!({"type": "cancel"})).await;
    let mut last = Value::Null;
    while last["data"]["verdict"].is_null() {
        last = socket.next().await.expect("an open socket");
    }
    assert!(!runs_marked(worker.id(), MARKER), "it still runs");
    assert_eq!(last["data"]["verdict"], "cancelled");
    assert_eq!(last["data"]["output"], "up\n");
}

#[tokio::test]
async fn a_takeover_replays_all_input() {
    const MARKER: &str = "replayed-input";
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let (first, second) = (launch.start(), launch.start());
    let token = launch.token("alice");
    let body = json!({
        "code": SESSION, "language": "python", "interactive": true, "args": [MARKER],
    });
    let id = first.submit(&token, &body).await;
    let mut events = EventLog::default();
    let (runner, other) = find_runner(MARKER, first, second).await;
    let mut socket = other.watch_since(&token, &id, 0).await;
    prompt(&mut socket, &mut events).await;
    type_line(&mut socket, "Ada").await;
    prompt(&mut socket, &mut events).await;
    let below = descendants(runner.id());
    runner.kill();
    until_ended(&below).await;
    // The next attempt asks both questions again and gets the first answer from the replay.
    let asked = loop {
        let asked = prompt(&mut socket, &mut events).await;
        if asked.contains("how old") {
            break asked;
        }
    };
    assert!(asked.ends_with("Hello Ada, how old are you? "), "{asked}");
    type_line(&mut socket, "36").await;
    assert_eq!(events.read_until_closed(socket).await, 1000);
    let last = events.last_update();
    assert_eq!(
        (&last["verdict"], &last["attempts"]),
        (&json!("accepted"), &json!(2))
    );
    assert!(events.is_gap_free() && events.has_attempts_in_order());
}

/// Where there is one place, each of these would occupy it until its limit.
#[tokio::test]
async fn programs_that_wait_for_a_person_hold_up_no_other_user() {
    let launch = Launch::new().with("WORKER_CONCURRENCY", "1");
    let service = launch.start();
    let (alice, bob) = (launch.token("alice"), launch.token("bob"));
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let id = submit(&service, &alice, "print('hello', input('name? '))").await;
        let mut socket = service.watch_since(&alice, &id, 0).await;
        socket.until("awaiting_input").await;
        sockets.push(socket);
    }
    let greeting = json!({"code": "print('hi')", "language": "python"});
    let record = service.run(&bob, &greeting).await;
    assert_eq!(record["output"], "hi\n", "{record}");
    for mut socket in sockets {
        type_line(&mut socket, "Ada").await;
        let (messages, code) = socket.until_closed().await;
        assert_eq!(code, 1000);
        assert_eq!(
            messages.last().unwrap()["data"]["output"],
            "name? hello Ada\n"
        );
    }
}

/// A list of executions watches none of them.
#[tokio::test]
async fn a_program_that_waits_ends_when_nobody_watches_it() {
    let service = Service::start_with(&[("INTERACTIVE_IDLE", "1")]);
    let token = service.token("alice");
    let watched = submit(&service, &token, "print('hello', input())").await;
    let mut socket = service.watch_since(&token, &watched, 0).await;
    let left = submit(&service, &token, "print('hello', input())").await;
    eventually("the end of what nobody watches", async || {
        let list = service.read("/api/v1/executions", &token).await;
        let executions = list["executions"].as_array().expect("a list").clone();
        let ended = executions.iter().find(|it| it["execution_id"] == *left);
        ended.filter(|it| it["verdict"] == "cancelled").cloned()
    })
    .await;
    let record = service.status(&token, &left).await;
    let why = record["error_output"].as_str().expect("text");
    assert!(why.contains("nobody watched"), "{record}");
    type_line(&mut socket, "Ada").await;
    let (messages, _) = socket.until_closed().await;
    assert_eq!(messages.last().unwrap()["data"]["output"], "hello Ada\n");
}
