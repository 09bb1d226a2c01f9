//! Sends requests to a measured server and reads its CPU time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use coderun_domain::testing::user;
use coderun_firebase::{DevelopmentIssuer, TokenRequest};
use coderun_redis_fixture::RedisServer;
use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::SERVE;
use crate::support::{Launch, Service};

/// The kernel counts CPU time of processes in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A measured server, and the user who loads it.
pub(crate) struct Server {
    pub(crate) service: Service,
    redis: Option<RedisServer>,
    pub(crate) token: String,
    /// The id of the last submission.
    last: Mutex<Option<String>>,
}

/// The storage and the third party of a server.
#[derive(Default)]
pub(crate) struct Dependencies {
    /// The storage; by default the memory of the server.
    pub(crate) redis: Option<RedisServer>,
    /// The base URL of a Piston server; by default an instant runner.
    pub(crate) piston_url: Option<String>,
}

/// Starts a server that bounds a single user as little as possible, and logs only its address.
pub(crate) fn start(dependencies: Dependencies) -> std::io::Result<Server> {
    let Dependencies { redis, piston_url } = dependencies;
    let mut launch = Launch::new()
        .with("RUST_LOG", "coderun_server=info")
        .with("USER_SUBMITS_PER_MINUTE", "0")
        .with("USER_PENDING_MAX", "10000")
        .with("USER_RUNNING_MAX", "10000")
        .with("USER_SOCKETS_MAX", "20000")
        .with("WORKER_CONCURRENCY", "64");
    if let Some(redis) = &redis {
        launch = launch.with("REDIS_URL", &redis.url());
    }
    launch = match piston_url {
        Some(url) => launch
            .with("RUNNER", "piston")
            .with("CODE_EXECUTION_API_URL", &url),
        None => launch.with(SERVE, "1").program(std::env::current_exe()?),
    };
    let service = launch.start();
    Ok(Server {
        token: service.token("bench"),
        service,
        redis,
        last: Mutex::default(),
    })
}

/// This many new tokens of the user who submits.
#[expect(clippy::disallowed_methods, reason = "tokens that are valid now")]
pub(crate) fn new_tokens(server: &Server, count: usize) -> Vec<String> {
    let issuer = DevelopmentIssuer::open(server.service.state_dir()).expect("a key");
    let token = |number: usize| {
        let request = TokenRequest {
            name: Some(format!("bench {number}")),
            ..TokenRequest::new(user("bench"))
        };
        let token = issuer.issue(&request, OffsetDateTime::now_utc());
        token.expect("a token").expose().to_owned()
    };
    (0..count).map(token).collect()
}

/// The name and the repetitions of an operation.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// The name in the table.
    pub(crate) name: &'static str,
    /// All repetitions.
    pub(crate) count: usize,
    /// Concurrent repetitions.
    pub(crate) connections: usize,
}

pub(crate) fn print_head() {
    println!(
        "{:<32} {:>12} {:>12} {:>14} {:>10}",
        "path", "CPU µs each", "of Redis", "each second", "count"
    );
}

/// Repeats the operation, which gets its number, on all connections, and prints the cost of each.
pub(crate) async fn measure<F: Future<Output = ()>>(
    server: &Arc<Server>,
    load: Load,
    operation: impl Fn(Arc<Server>, usize) -> F,
) {
    let Load {
        name,
        count,
        connections,
    } = load;
    let left = AtomicUsize::new(count);
    let (before, redis_before) = (cpu_time(server), redis_cpu_time(server));
    let began = Instant::now();
    let connections = (0..connections).map(|_| async {
        let one_less = |left: usize| left.checked_sub(1);
        while let Ok(left) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            operation(Arc::clone(server), left - 1).await;
        }
    });
    join_all(connections).await;
    until_all_have_run(server).await;
    let elapsed = began.elapsed();
    let cpu = cpu_time(server).saturating_sub(before);
    let each = cpu.as_secs_f64() * 1e6 / count as f64;
    let of_redis = (redis_cpu_time(server) - redis_before) * 1e6 / count as f64;
    let rate = count as f64 / elapsed.as_secs_f64();
    println!("{name:<32} {each:>12.1} {of_redis:>12.1} {rate:>14.0} {count:>10}");
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

/// Waits until the last submission has run; the executions of one user run in order.
async fn until_all_have_run(server: &Server) {
    let last = server.last.lock().take();
    if let Some(id) = last {
        server.service.final_record(&server.token, &id).await;
    }
}

pub(crate) async fn health(server: &Server) {
    let request = server.service.client.get(server.service.url("/health/"));
    request.send().await.expect("an answer");
}

pub(crate) async fn status(server: &Server, id: &str) -> Value {
    server.service.status(&server.token, id).await
}

pub(crate) async fn until_final(server: &Server, id: &str) {
    while status(server, id).await["verdict"].is_null() {}
}

pub(crate) async fn watch(server: &Server, id: &str) {
    let socket = server.service.watch(&server.token, id).await;
    socket.until_closed().await;
}

/// The user and system time of the server so far.
pub(crate) fn cpu_time(server: &Server) -> Duration {
    let stat =
        std::fs::read_to_string(format!("/proc/{}/stat", server.service.id())).expect("a stat");
    let (_, fields) = stat.rsplit_once(") ").expect("fields");
    let ticks: u32 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u32>().expect("a number"))
        .sum();
    TICK * ticks
}

/// The seconds of user and system time of Redis so far.
fn redis_cpu_time(server: &Server) -> f64 {
    let Some(redis) = &server.redis else {
        return 0.0;
    };
    let used = ["used_cpu_user", "used_cpu_sys"].map(|name| {
        let seconds = redis.info(name).expect("a fact of INFO");
        seconds.parse::<f64>().expect("a number")
    });
    used.iter().sum()
}

/// The resident memory of the server in KiB.
pub(crate) fn resident_kib(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.service.id()));
    let status = status.expect("a status");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.expect("a size").parse().expect("a number")
}
