//! Sends requests to a measured server and reads its CPU time and memory.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use coderun_domain::testing::user;
use coderun_firebase::{DevelopmentIssuer, TokenRequest};
use coderun_redis_fixture::RedisServer;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::Value;
use time::OffsetDateTime;

/// The kernel counts CPU time of processes in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Server {
    child: Child,
    redis: Option<RedisServer>,
    address: String,
    client: Client,
    issuer: DevelopmentIssuer,
    token: String,
    /// The id of the last submission.
    last: Mutex<Option<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// The storage and the third party of a server.
#[derive(Default)]
pub(crate) struct Dependencies {
    /// The storage; by default the memory of the server.
    pub(crate) redis: Option<RedisServer>,
    /// The base URL of a Piston server; by default an instant runner.
    pub(crate) piston_url: Option<String>,
}

/// Starts a server with the key of its issuer in this folder.
pub(crate) fn start(directory: &Path, dependencies: Dependencies) -> std::io::Result<Server> {
    let issuer = DevelopmentIssuer::open(directory).map_err(std::io::Error::other)?;
    let Dependencies { redis, piston_url } = dependencies;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--server").arg(directory);
    if let Some(redis) = &redis {
        command.args(["--redis", &redis.url()]);
    }
    if let Some(url) = &piston_url {
        command.args(["--piston", url]);
    }
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    let stdout = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    BufReader::new(stdout).read_line(&mut address)?;
    let client = Client::builder().no_proxy().build();
    Ok(Server {
        child,
        redis,
        address: address.trim_end().to_owned(),
        client: client.map_err(std::io::Error::other)?,
        token: new_token(&issuer, "bench"),
        issuer,
        last: Mutex::default(),
    })
}

/// A new token of the user who submits.
#[expect(clippy::disallowed_methods, reason = "a token that is valid now")]
fn new_token(issuer: &DevelopmentIssuer, name: &str) -> String {
    let request = TokenRequest {
        name: Some(name.to_owned()),
        ..TokenRequest::new(user("bench"))
    };
    let token = issuer.issue(&request, OffsetDateTime::now_utc());
    token.expect("a token").expose().to_owned()
}

/// This many new tokens.
pub(crate) fn new_tokens(server: &Server, count: usize) -> Vec<String> {
    let names = (0..count).map(|number| format!("bench {number}"));
    names.map(|name| new_token(&server.issuer, &name)).collect()
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
    let greeting = serde_json::json!({"code": "print('Hello World')", "language": "python"});
    submit_body(server, &greeting).await
}

pub(crate) async fn submit_body(server: &Server, body: &Value) -> String {
    let answer = server
        .client
        .post(format!(
            "http://{}/api/v1/executions/execute",
            server.address
        ))
        .bearer_auth(&server.token)
        .json(body)
        .send()
        .await
        .expect("an answer");
    let accepted: Value = answer.json().await.expect("JSON");
    let id = accepted["execution_id"].as_str();
    let id = id
        .unwrap_or_else(|| panic!("no id in {accepted}"))
        .to_owned();
    *server.last.lock().expect("no panic before") = Some(id.clone());
    id
}

/// Waits until the last submission has run; the executions of one user run in order.
async fn until_all_have_run(server: &Server) {
    let last = server.last.lock().expect("no panic before").take();
    if let Some(id) = last {
        while status(server, &id).await["status"] != "completed" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) async fn health(server: &Server) {
    let url = format!("http://{}/health/", server.address);
    server.client.get(url).send().await.expect("an answer");
}

pub(crate) async fn status(server: &Server, id: &str) -> Value {
    status_as(server, id, &server.token).await
}

/// The record as the user of this token sees it.
pub(crate) async fn status_as(server: &Server, id: &str, token: &str) -> Value {
    let url = format!("http://{}/api/v1/executions/status/{id}", server.address);
    let request = server.client.get(url).bearer_auth(token);
    request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON")
}

pub(crate) async fn until_final(server: &Server, id: &str) -> Value {
    loop {
        let record = status(server, id).await;
        if record["status"] == "completed" {
            return record;
        }
        assert_ne!(record["status"], "error", "{record}");
    }
}

pub(crate) async fn watch(server: &Server, id: &str) {
    let (address, token) = (&server.address, &server.token);
    let url = format!("ws://{address}/api/v1/executions/ws/{id}?token={token}");
    let (mut socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("a handshake");
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
}

/// The user and system time of the server so far.
pub(crate) fn cpu_time(server: &Server) -> Duration {
    let stat =
        std::fs::read_to_string(format!("/proc/{}/stat", server.child.id())).expect("a stat");
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
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id()));
    let status = status.expect("a status");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.expect("a size").parse().expect("a number")
}
