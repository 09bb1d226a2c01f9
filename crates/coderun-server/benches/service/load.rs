//! Sends requests to a measured server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::comparison::Row;
use crate::meter::{cpu_micros, resident_bytes};
use crate::server::Server;

/// Concurrent connections, and programs at the third party.
const CONNECTIONS: usize = 64;

/// The columns of [`measure`].
pub(crate) const COLUMNS: [&str; 7] = [
    "server µs",
    "Redis µs",
    "scripts",
    "commands",
    "Redis bytes",
    "server MiB",
    "each second",
];

/// Repeats an operation, which gets its number, on all connections. The row says what each repetition cost, and the resident
/// memory of the server afterwards.
pub(crate) async fn measure<F: Future<Output = ()>>(
    server: &Arc<Server>,
    name: &str,
    count: usize,
    operation: impl Fn(Arc<Server>, usize) -> F,
) -> Row {
    let process = server.service.id();
    let (cpu_before, redis_before) = (cpu_micros(process), server.redis_use());
    let began = Instant::now();
    repeat(server, count, operation).await;
    until_all_have_run(server).await;
    let elapsed = began.elapsed();
    let (cpu, redis) = (cpu_micros(process), server.redis_use());
    let each = |total: f64| total / count as f64;
    Row {
        name: name.to_owned(),
        numbers: vec![
            each(cpu - cpu_before),
            each(redis.cpu_micros - redis_before.cpu_micros),
            each(redis.scripts - redis_before.scripts),
            each(redis.commands - redis_before.commands),
            each(redis.bytes - redis_before.bytes),
            resident_bytes(process) / 1024.0 / 1024.0,
            count as f64 / elapsed.as_secs_f64(),
        ],
    }
}

/// Repeats an operation, which gets its number, on all connections.
pub(crate) async fn repeat<F: Future<Output = ()>>(
    server: &Arc<Server>,
    count: usize,
    operation: impl Fn(Arc<Server>, usize) -> F,
) {
    let next = AtomicUsize::new(0);
    let connections = (0..CONNECTIONS).map(|_| async {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            operation(Arc::clone(server), number).await;
        }
    });
    join_all(connections).await;
}

/// Waits until the last submission has run; the executions of one user run in order.
async fn until_all_have_run(server: &Server) {
    let last = server.last.lock().take();
    if let Some(id) = last {
        server.service.final_record(&server.token, &id).await;
    }
}

pub(crate) async fn submit(server: &Server) -> String {
    let greeting = json!({"code": "print('Hello World')", "language": "python"});
    submit_body(server, &greeting).await
}

pub(crate) async fn submit_body(server: &Server, body: &Value) -> String {
    let id = server.service.submit(&server.token, body).await;
    *server.last.lock() = Some(id.clone());
    id
}

pub(crate) async fn status(server: &Server, id: &str) -> Value {
    server.service.status(&server.token, id).await
}

/// Watches an execution over a socket to its end.
pub(crate) async fn watch(server: &Server, id: &str) {
    let socket = server.service.watch(&server.token, id).await;
    socket.until_closed().await;
}
