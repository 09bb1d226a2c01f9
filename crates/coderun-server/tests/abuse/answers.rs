//! Attacks by clients that ask for large answers and do not read them.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::arena::Arena;
use crate::attack::{Attack, Promised};
use crate::connections::connect_narrow;
use crate::report::p95;

const READERS: usize = 150;
const HELD_FOR: Duration = Duration::from_secs(12);
/// How soon others hear that the service is healthy.
const HEALTH_MAX: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(50);

const PROMISE: &str = "One user asks for a record of 36 MB on 150 connections and reads nothing, or a byte a second; memory is \
                       bounded, and others are answered.";

pub(crate) const UNREAD_STATUS: Attack = attack("unread-status", |arena| {
    Box::pin(read_slowly(arena, "status", "", false))
});
pub(crate) const UNREAD_EVENTS: Attack = attack("unread-events", |arena| {
    Box::pin(read_slowly(arena, "events", "", false))
});
pub(crate) const UNREAD_SOCKETS: Attack = attack("unread-sockets", |arena| {
    Box::pin(read_slowly(arena, "ws", UPGRADE, false))
});
pub(crate) const SLOW_READERS: Attack = attack("slow-readers", |arena| {
    Box::pin(read_slowly(arena, "status", "", true))
});

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const fn attack(
    name: &'static str,
    run: for<'a> fn(&'a Arena) -> futures_util::future::BoxFuture<'a, ()>,
) -> Attack {
    Attack {
        name,
        promise: PROMISE,
        promised: Promised::Always,
        is_light: false,
        settings: &[],
        victims: 1,
        run,
    }
}

async fn read_slowly(arena: &Arena, path: &str, headers: &str, reads: bool) {
    let attacker = arena.service.token("attacker");
    let program = json!({
        "language": "python",
        "code": include_str!("programs/large_output.py"),
        "limits": {"output_bytes": 4 << 20},
    });
    let id = arena.service.submit(&attacker, &program).await;
    // Read once: what is measured begins with the second reader.
    arena.service.final_record(&attacker, &id).await;
    let request = format!(
        "GET /api/v1/executions/{path}/{id}?wait=20 HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Authorization: Bearer {attacker}\r\n{headers}\r\n"
    );
    let reader = |_| {
        let (address, request) = (arena.service.address.clone(), request.clone());
        async move {
            let connection = connect_narrow(&address).await?;
            hold(connection, &request, reads).await
        }
    };
    let readers: JoinSet<std::io::Result<()>> = (0..arena.scaled(READERS)).map(reader).collect();
    let ((), health) = tokio::join!(arena.watch_victims(1, HELD_FOR), watch_health(arena));
    arena.check(arena.is_light || p95(health.clone()) <= HEALTH_MAX, || {
        format!("/health/ took {:?} at its 95th percentile", p95(health))
    });
    drop(readers);
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

/// How long `/health/` took each time, over connections of their own.
async fn watch_health(arena: &Arena) -> Vec<Duration> {
    let end = Instant::now()
        + if arena.is_light {
            HELD_FOR / 4
        } else {
            HELD_FOR
        };
    let mut times = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        if let Err(error) = ask_health(arena).await {
            arena.fault(format!("/health/: {error}"));
        }
        times.push(began.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    times
}

async fn ask_health(arena: &Arena) -> std::io::Result<()> {
    let mut connection = TcpStream::connect(&arena.service.address).await?;
    let request = "GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    arena.check(answer.starts_with("HTTP/1.1 200"), || {
        format!("/health/: {answer}")
    });
    Ok(())
}
