//! A person types while a program runs, on whichever replica they happen to be.

use coderun_redis_fixture::RedisServer;
use serde_json::{Value, json};

use crate::support::{
    Launch, Service, Socket, Story, descendants, eventually, is_alive, runs_marked, whoever_runs,
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

/// Waits until the program waits for input, and answers what it has written since the last time.
async fn prompt(socket: &mut Socket, story: &mut Story) -> String {
    let mut written = String::new();
    loop {
        let message = socket.next().await.expect("an open socket");
        story.push(message.clone());
        match message["type"].as_str() {
            Some("execution_output") => {
                written.push_str(message["data"]["text"].as_str().expect("text"));
            }
            Some("awaiting_input") => return written,
            _ => {}
        }
    }
}

async fn talk(service: &Service, token: &str, id: &str) {
    let mut socket = service.watch_since(token, id, 0).await;
    let mut story = Story::default();
    let asked = prompt(&mut socket, &mut story).await;
    assert_eq!(asked, "What is your name? ");
    type_line(&mut socket, "Ada").await;
    let asked = prompt(&mut socket, &mut story).await;
    assert_eq!(asked, "Hello Ada, how old are you? ");
    type_line(&mut socket, "36").await;
    assert_eq!(story.follow(socket).await, 1000);
    assert!(story.is_gap_free(), "{story:?}");
    let last = story.last_update();
    assert_eq!(last["verdict"], "accepted", "{last}");
    let whole = "What is your name? Hello Ada, how old are you? Next year you will be 37.\n";
    assert_eq!(last["output"], whole);
    assert_eq!(story.bytes("stdout"), whole.as_bytes());
}

#[tokio::test]
async fn a_person_answers_what_a_program_asks() {
    let service = Service::start();
    let token = service.token("alice");
    let id = submit(&service, &token, SESSION).await;
    talk(&service, &token, &id).await;
}

#[tokio::test]
async fn it_makes_no_difference_which_replica_the_person_is_on() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let worker = launch.role("worker").start();
    let (here, there) = (launch.role("api").start(), launch.role("api").start());
    let token = launch.token("alice");
    here.until_readiness_is(reqwest::StatusCode::OK).await;
    there.until_readiness_is(reqwest::StatusCode::OK).await;
    let id = submit(&here, &token, SESSION).await;
    talk(&there, &token, &id).await;
    drop(worker);
}

#[tokio::test]
async fn a_session_goes_on_after_a_reconnect() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let (one, other) = (launch.start(), launch.start());
    let token = launch.token("alice");
    let id = submit(&one, &token, SESSION).await;
    let mut story = Story::default();
    let mut socket = one.watch_since(&token, &id, 0).await;
    prompt(&mut socket, &mut story).await;
    type_line(&mut socket, "Ada").await;
    prompt(&mut socket, &mut story).await;
    drop(socket);
    let mut socket = other.watch_since(&token, &id, story.last_number()).await;
    type_line(&mut socket, "36").await;
    assert_eq!(story.follow(socket).await, 1000);
    assert!(story.is_gap_free(), "{story:?}");
    assert_eq!(story.last_update()["verdict"], "accepted");
}

#[tokio::test]
async fn the_end_of_the_input_is_told_to_the_program() {
    let service = Service::start();
    let token = service.token("alice");
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
async fn more_than_is_kept_waits_and_nothing_of_it_is_lost() {
    const PIECES: usize = 60;
    let service = Service::start();
    let token = service.token("alice");
    // It reads nothing at first, so that more is sent than may be kept.
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
async fn a_program_is_stopped_from_another_replica_and_gone_when_that_is_told() {
    const MARKER: &str = "stopped-from-elsewhere";
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let (worker, api) = (launch.role("worker").start(), launch.role("api").start());
    let token = launch.token("alice");
    api.until_readiness_is(reqwest::StatusCode::OK).await;
    let code = "import subprocess, time\nsubprocess.Popen(['sleep', '50'])\nprint('up', flush=True)\ntime.sleep(50)";
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
async fn a_takeover_types_everything_again() {
    const MARKER: &str = "typed-again";
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let (first, second) = (launch.start(), launch.start());
    let token = launch.token("alice");
    let body = json!({
        "code": SESSION, "language": "python", "interactive": true, "args": [MARKER],
    });
    let id = first.submit(&token, &body).await;
    let mut story = Story::default();
    let (runs_it, other) = whoever_runs(MARKER, first, second).await;
    let mut socket = other.watch_since(&token, &id, 0).await;
    prompt(&mut socket, &mut story).await;
    type_line(&mut socket, "Ada").await;
    prompt(&mut socket, &mut story).await;
    let below = descendants(runs_it.id());
    runs_it.kill();
    eventually("its programs are gone", || {
        std::future::ready((!below.iter().any(|id| is_alive(*id))).then_some(()))
    })
    .await;
    // The other one asks both questions again, and has the first answer already.
    let asked = loop {
        let asked = prompt(&mut socket, &mut story).await;
        if asked.contains("how old") {
            break asked;
        }
    };
    assert!(asked.ends_with("Hello Ada, how old are you? "), "{asked}");
    type_line(&mut socket, "36").await;
    assert_eq!(story.follow(socket).await, 1000);
    let last = story.last_update();
    assert_eq!(
        (&last["verdict"], &last["attempts"]),
        (&json!("accepted"), &json!(2))
    );
    assert!(story.is_gap_free() && story.is_told_attempt_by_attempt());
}
