//! Attacks by clients that ask for large answers and do not read them.

use std::io::{Read as _, Write as _};
use std::net;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::arena::Arena;
use crate::attack::{Attack, Promised, Run};
use crate::connections::connect_narrow;
use crate::report::p95;
use crate::support::eventually;

const READERS: usize = 150;
const HELD_FOR: Duration = Duration::from_secs(12);
/// How soon others hear that the service is healthy.
const HEALTH_MAX: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) const UNREAD_STATUS: Attack = attack("unread-status", true, |arena| {
    Box::pin(read_slowly(arena, Reading::STATUS))
});

pub(crate) const UNREAD_EVENTS: Attack = attack("unread-events", false, |arena| {
    Box::pin(read_slowly(
        arena,
        Reading {
            path: "executions/events/ID",
            ..Reading::STATUS
        },
    ))
});

pub(crate) const UNREAD_SOCKETS: Attack = attack("unread-sockets", false, |arena| {
    Box::pin(read_slowly(
        arena,
        Reading {
            path: "executions/ws/ID?since=0",
            headers: UPGRADE,
            ..Reading::STATUS
        },
    ))
});

pub(crate) const UNREAD_LISTS: Attack = attack("unread-lists", false, |arena| {
    Box::pin(read_slowly(
        arena,
        Reading {
            path: "executions?limit=100",
            ..Reading::STATUS
        },
    ))
});

pub(crate) const UNREAD_PIPELINES: Attack = attack("unread-pipelines", false, |arena| {
    Box::pin(read_slowly(
        arena,
        Reading {
            repeats: 100,
            ..Reading::STATUS
        },
    ))
});

pub(crate) const SLOW_READERS: Attack = attack("slow-readers", false, |arena| {
    Box::pin(read_slowly(
        arena,
        Reading {
            reads: true,
            ..Reading::STATUS
        },
    ))
});

pub(crate) const UNREAD_LIVE_OUTPUT: Attack = attack("unread-live-output", false, |arena| {
    Box::pin(read_slowly(
        arena,
        Reading {
            path: "executions/ws/ID?since=0",
            headers: UPGRADE,
            is_live: true,
            ..Reading::STATUS
        },
    ))
});

pub(crate) const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const fn attack(name: &'static str, is_light: bool, run: Run) -> Attack {
    Attack {
        name,
        promise: "One user asks for a record of 36 MB on 150 connections and reads nothing, or a byte a second; memory is bounded, \
                  and others are answered.",
        promised: Promised::Always,
        is_light,
        settings: &[],
        victims: 1,
        run,
    }
}

/// What is asked for, and how it is read.
#[derive(Clone, Copy)]
struct Reading {
    /// Below `/api/v1/`, with `ID` for the execution.
    path: &'static str,
    headers: &'static str,
    /// How often it is asked for on one connection.
    repeats: usize,
    /// Whether a byte is read each second.
    reads: bool,
    /// Whether the program still runs.
    is_live: bool,
}

impl Reading {
    const STATUS: Self = Self {
        path: "executions/status/ID",
        headers: "",
        repeats: 1,
        reads: false,
        is_live: false,
    };
}

async fn read_slowly(arena: &Arena, reading: Reading) {
    let attacker = arena.attacker();
    let program = json!({
        "language": "python",
        "code": include_str!("programs/large_output.py"),
        "args": [if reading.is_live { "0.05" } else { "0" }],
        "limits": {"output_bytes": 4 << 20},
    });
    let id = arena.service.submit(&attacker, &program).await;
    if !reading.is_live {
        // Read once: what is measured begins with the second reader.
        until_read(arena, &attacker, &id).await;
    }
    let request = format!(
        "GET /api/v1/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {attacker}\r\n{}\r\n",
        reading.path.replace("ID", &id),
        reading.headers
    );
    let request = request.repeat(reading.repeats);
    let reads = reading.reads;
    let reader = |_| {
        let (address, request) = (arena.service.address.clone(), request.clone());
        async move {
            let connection = connect_narrow(&address).await?;
            hold(connection, &request, reads).await
        }
    };
    let readers: JoinSet<std::io::Result<()>> = (0..arena.scaled(READERS)).map(reader).collect();
    let ((), health) = tokio::join!(arena.watch_victims(1, HELD_FOR), watch_health(arena));
    let health = p95(health);
    arena.check(arena.is_light || health <= HEALTH_MAX, || {
        format!("/health/ took {health:?} at its 95th percentile")
    });
    drop(readers);
}

/// Waits until the attacker has read the final record. Another attack may still use up the share of large answers.
async fn until_read(arena: &Arena, attacker: &str, id: &str) {
    eventually("the record is read", || async {
        let answer = arena.service.try_status(attacker, id).await;
        let is_read = answer.status() == StatusCode::OK;
        let record: Value = answer.json().await.expect("JSON");
        (is_read && !record["verdict"].is_null()).then_some(())
    })
    .await;
}

/// Reads a byte a second, or nothing.
async fn hold(mut connection: TcpStream, request: &str, reads: bool) -> std::io::Result<()> {
    connection.write_all(request.as_bytes()).await?;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if reads {
            connection.read_u8().await?;
        }
    }
}

/// How long `/health/` took each time, over connections of their own. It is asked by a thread of its own, because the runtime of
/// this process also has victims to start and 150 connections to hold.
async fn watch_health(arena: &Arena) -> Vec<Duration> {
    let held_for = if arena.is_light {
        HELD_FOR / 4
    } else {
        HELD_FOR
    };
    let address = arena.service.address.clone();
    let asking = tokio::task::spawn_blocking(move || {
        let end = Instant::now() + held_for;
        let mut answers = Vec::new();
        while Instant::now() < end {
            let began = Instant::now();
            let answer = ask_health(&address);
            answers.push((began.elapsed(), answer));
            std::thread::sleep(PAUSE);
        }
        answers
    });
    let answers = asking.await.expect("a thread that asks does not panic");
    for (_, answer) in &answers {
        let is_healthy = matches!(answer, Ok(text) if text.starts_with("HTTP/1.1 200"));
        arena.check(is_healthy, || format!("/health/: {answer:?}"));
    }
    answers.into_iter().map(|(time, _)| time).collect()
}

fn ask_health(address: &str) -> std::io::Result<String> {
    let mut connection = net::TcpStream::connect(address)?;
    connection.set_read_timeout(Some(HELD_FOR))?;
    connection
        .write_all(b"GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
