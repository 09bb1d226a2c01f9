//! The load, and what it cost the server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use coderun_domain::testing::user;
use coderun_firebase::{DevelopmentIssuer, TokenRequest};
use coderun_redis_fixture::{RedisOptions, RedisServer};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::Value;
use time::OffsetDateTime;

/// Connections at a time.
const CONNECTIONS: usize = 32;
/// The kernel counts CPU time of processes in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

struct Server {
    child: Child,
    redis: Option<RedisServer>,
    address: String,
    client: Client,
    token: String,
    /// What was submitted last.
    last: Mutex<Option<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn run() -> std::io::Result<()> {
    coderun_firebase::install_crypto_provider();
    let append_only = RedisOptions {
        append_only: true,
        ..RedisOptions::default()
    };
    for (title, redis) in [
        ("state in memory", None),
        ("state in Redis", Some(RedisServer::start())),
        (
            "state in Redis with a file",
            Some(RedisServer::with(&append_only)),
        ),
    ] {
        println!("\n{title}");
        run_on(redis)?;
    }
    Ok(())
}

fn run_on(redis: Option<RedisServer>) -> std::io::Result<()> {
    let directory = tempfile::tempdir()?;
    let server = Arc::new(start(directory.path(), redis)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure_all(&server));
    Ok(())
}

async fn measure_all(server: &Arc<Server>) {
    println!(
        "{:<32} {:>12} {:>12} {:>14} {:>10}",
        "path", "CPU µs each", "of Redis", "each second", "count"
    );
    let id = submit(server).await;
    until_final(server, &id).await;
    measure(server, "GET /health/", 30_000, |server| async move {
        let url = format!("http://{}/health/", server.address);
        server.client.get(url).send().await.expect("an answer");
    })
    .await;
    measure(server, "GET status", 30_000, |server| {
        let id = id.clone();
        async move {
            status(&server, &id).await;
        }
    })
    .await;
    measure(
        server,
        "POST submit (and its run)",
        10_000,
        |server| async move {
            submit(&server).await;
        },
    )
    .await;
    measure(
        server,
        "submit, poll to final",
        5_000,
        |server| async move {
            let id = submit(&server).await;
            until_final(&server, &id).await;
        },
    )
    .await;
    measure(
        server,
        "submit, WebSocket to final",
        5_000,
        |server| async move {
            let id = submit(&server).await;
            watch(&server, &id).await;
        },
    )
    .await;
    println!(
        "resident memory of the server afterwards: {}",
        resident(server)
    );
}

#[expect(clippy::disallowed_methods, reason = "a token that is valid now")]
fn start(directory: &Path, redis: Option<RedisServer>) -> std::io::Result<Server> {
    let issuer = DevelopmentIssuer::open(directory).map_err(std::io::Error::other)?;
    let token = issuer
        .issue(&TokenRequest::new(user("bench")), OffsetDateTime::now_utc())
        .map_err(std::io::Error::other)?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--server")
        .arg(directory)
        .args(redis.as_ref().map(RedisServer::url))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    let stdout = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    BufReader::new(stdout).read_line(&mut address)?;
    Ok(Server {
        child,
        redis,
        address: address.trim_end().to_owned(),
        client: Client::builder()
            .no_proxy()
            .build()
            .map_err(std::io::Error::other)?,
        token: token.expose().to_owned(),
        last: Mutex::default(),
    })
}

/// Runs the operation `count` times over all connections, and prints what each has cost the server.
async fn measure<F: Future<Output = ()>>(
    server: &Arc<Server>,
    name: &str,
    count: usize,
    operation: impl Fn(Arc<Server>) -> F,
) {
    let left = AtomicUsize::new(count);
    let (before, redis_before) = (cpu_time(server), redis_cpu_time(server));
    let began = Instant::now();
    let connections = (0..CONNECTIONS).map(|_| async {
        let one_less = |left: usize| left.checked_sub(1);
        while left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
        {
            operation(Arc::clone(server)).await;
        }
    });
    join_all(connections).await;
    until_all_is_run(server).await;
    let elapsed = began.elapsed();
    let cpu = cpu_time(server).saturating_sub(before);
    let each = cpu.as_secs_f64() * 1e6 / count as f64;
    let of_redis = (redis_cpu_time(server) - redis_before) * 1e6 / count as f64;
    let rate = count as f64 / elapsed.as_secs_f64();
    println!("{name:<32} {each:>12.1} {of_redis:>12.1} {rate:>14.0} {count:>10}");
}

async fn submit(server: &Server) -> String {
    let answer = server
        .client
        .post(format!(
            "http://{}/api/v1/executions/execute",
            server.address
        ))
        .bearer_auth(&server.token)
        .json(&serde_json::json!({"code": "print('Hello World')", "language": "python"}))
        .send()
        .await
        .expect("an answer");
    let body: Value = answer.json().await.expect("JSON");
    let id = body["execution_id"].as_str();
    let id = id.unwrap_or_else(|| panic!("no id in {body}")).to_owned();
    *server.last.lock().expect("no panic before") = Some(id.clone());
    id
}

/// Waits for the runs of what was submitted: one user's executions are run in their order.
async fn until_all_is_run(server: &Server) {
    let last = server.last.lock().expect("no panic before").take();
    if let Some(id) = last {
        while status(server, &id).await["status"] != "completed" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn status(server: &Server, id: &str) -> Value {
    let url = format!("http://{}/api/v1/executions/status/{id}", server.address);
    let request = server.client.get(url).bearer_auth(&server.token);
    request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON")
}

async fn until_final(server: &Server, id: &str) -> Value {
    loop {
        let record = status(server, id).await;
        if record["status"] == "completed" {
            return record;
        }
        assert_ne!(record["status"], "error", "{record}");
    }
}

async fn watch(server: &Server, id: &str) {
    let (address, token) = (&server.address, &server.token);
    let url = format!("ws://{address}/api/v1/executions/ws/{id}?token={token}");
    let (mut socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("a handshake");
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
}

/// User and system time of the server so far.
fn cpu_time(server: &Server) -> Duration {
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

/// Seconds of user and system time of Redis so far.
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

fn resident(server: &Server) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id()));
    let status = status.expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.map_or_else(
        || "unknown".to_owned(),
        |line| line.replace("VmRSS:", "").trim().to_owned(),
    )
}
