//! Defines the scenarios to measure.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::LanguageSpec;
use coderun_piston_standin::{PistonStandin, StandinOptions};
use coderun_redis_fixture::{RedisOptions, RedisServer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

use crate::faults::measure_faults;
use crate::live::measure_live_output;
use crate::load::{
    Dependencies, Load, Server, health, measure, new_tokens, print_head, resident_kib, start,
    status, submit, until_final, watch,
};
use crate::sockets::measure_sockets;
use crate::support::Launch;

/// Concurrent connections.
const CONNECTIONS: usize = 32;
/// Concurrent programs at a third party: as many as the worker sends.
const THIRD_PARTY_CONNECTIONS: usize = 64;

type Scenario = fn() -> std::io::Result<()>;

/// All scenarios by name.
const SCENARIOS: [(&str, Scenario); 6] = [
    ("memory", in_memory),
    ("redis", over_redis),
    ("sockets", with_many_sockets),
    ("live", live_output),
    ("piston", over_piston),
    ("faults", over_faulty_piston),
];

/// Measures the scenarios with these names, or all without names.
pub(crate) fn run(names: &[&String]) -> std::io::Result<()> {
    coderun_firebase::install_crypto_provider();
    for (name, measure) in SCENARIOS {
        if names.is_empty() || names.iter().any(|wanted| *wanted == name) {
            measure()?;
        }
    }
    Ok(())
}

fn over_redis() -> std::io::Result<()> {
    on_redis("state in Redis", &RedisOptions::default())?;
    let append_only = RedisOptions {
        append_only: true,
        ..RedisOptions::default()
    };
    on_redis("state in Redis with a file", &append_only)
}

fn over_piston() -> std::io::Result<()> {
    for latency in [Duration::ZERO, Duration::from_millis(50)] {
        behind_piston(latency)?;
    }
    Ok(())
}

fn in_memory() -> std::io::Result<()> {
    with_server("state in memory", Dependencies::default(), async |server| {
        measure_paths(server).await;
        measure_tokens(server).await;
    })
}

fn with_many_sockets() -> std::io::Result<()> {
    println!("\nmany sockets, state in memory");
    raise_open_files_limit();
    let server = Arc::new(start(Dependencies::default())?);
    runtime()?.block_on(measure_sockets(&server));
    Ok(())
}

fn live_output() -> std::io::Result<()> {
    println!("\nthe real service with its sandbox");
    runtime()?.block_on(measure_live_output(&Launch::new().start()));
    Ok(())
}

/// Raises the limit of open files of this process and its children as far as allowed.
fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("a higher limit");
}

fn on_redis(title: &str, options: &RedisOptions) -> std::io::Result<()> {
    let dependencies = Dependencies {
        redis: Some(RedisServer::with(options)),
        ..Dependencies::default()
    };
    with_server(title, dependencies, async |server| {
        measure_paths(server).await;
    })
}

fn over_faulty_piston() -> std::io::Result<()> {
    let latency = Duration::from_millis(100);
    println!("\nPiston that takes {latency:?}, and a fault in every tenth answer");
    let (_threads, piston) = start_piston(latency)?;
    let server = Arc::new(start(dependencies(&piston))?);
    runtime()?.block_on(measure_faults(&server, &piston));
    Ok(())
}

fn behind_piston(latency: Duration) -> std::io::Result<()> {
    let (_threads, piston) = start_piston(latency)?;
    let title = format!("state in memory, Piston that takes {latency:?}");
    with_server(&title, dependencies(&piston), measure_runs)
}

/// Starts a third party that returns the same result after this latency. On a thread of its own, it neither counts as the
/// server nor delays the load.
fn start_piston(latency: Duration) -> std::io::Result<(Runtime, PistonStandin)> {
    let threads = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let options = StandinOptions {
        fixed_stdout: "Hello World\n".to_owned(),
        runtimes: Some(runtimes()),
        latency,
        ..StandinOptions::default()
    };
    let piston = threads.block_on(PistonStandin::start(options))?;
    Ok((threads, piston))
}

fn dependencies(piston: &PistonStandin) -> Dependencies {
    Dependencies {
        piston_url: Some(piston.api_url()),
        ..Dependencies::default()
    }
}

/// The languages that the worker of the server offers.
fn runtimes() -> Vec<coderun_piston_standin::Runtime> {
    let catalog = coderun_domain::testing::catalog();
    let runtime = |spec: &LanguageSpec| {
        let version = spec.versions.first()?;
        let name = spec.language.as_str();
        Some(coderun_piston_standin::Runtime::new(name, version, &[]))
    };
    catalog.specs().iter().filter_map(runtime).collect()
}

/// Starts a server with these dependencies and measures it.
fn with_server(
    title: &str,
    dependencies: Dependencies,
    measuring: impl AsyncFnOnce(&Arc<Server>),
) -> std::io::Result<()> {
    println!("\n{title}");
    print_head();
    let server = Arc::new(start(dependencies)?);
    runtime()?.block_on(measuring(&server));
    let resident = resident_kib(&server);
    println!("resident memory of the server afterwards: {resident} KiB");
    Ok(())
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

const fn load(name: &'static str, count: usize) -> Load {
    Load {
        name,
        count,
        connections: CONNECTIONS,
    }
}

async fn measure_paths(server: &Arc<Server>) {
    let id = submit(server).await;
    until_final(server, &id).await;
    measure(
        server,
        load("GET /health/", 30_000),
        |server, _| async move {
            health(&server).await;
        },
    )
    .await;
    measure(server, load("GET status", 30_000), |server, _| {
        let id = id.clone();
        async move {
            status(&server, &id).await;
        }
    })
    .await;
    let submitting = load("POST submit (and its run)", 10_000);
    measure(server, submitting, |server, _| async move {
        submit(&server).await;
    })
    .await;
    let polling = load("submit, poll to final", 5_000);
    measure(server, polling, |server, _| async move {
        let id = submit(&server).await;
        until_final(&server, &id).await;
    })
    .await;
    let watching = load("submit, WebSocket to final", 5_000);
    measure(server, watching, |server, _| async move {
        let id = submit(&server).await;
        watch(&server, &id).await;
    })
    .await;
}

/// The same request with new tokens, and then once more with each of them.
async fn measure_tokens(server: &Arc<Server>) {
    let id = submit(server).await;
    until_final(server, &id).await;
    let tokens = Arc::new(new_tokens(server, 5_000));
    for name in ["GET status, token first seen", "GET status, token repeated"] {
        measure(server, load(name, tokens.len()), |server, number| {
            let (id, tokens) = (id.clone(), Arc::clone(&tokens));
            async move {
                server.service.status(&tokens[number], &id).await;
            }
        })
        .await;
    }
}

async fn measure_runs(server: &Arc<Server>) {
    let id = submit(server).await;
    until_final(server, &id).await;
    let third_party_load = |name, count| Load {
        connections: THIRD_PARTY_CONNECTIONS,
        ..load(name, count)
    };
    let submitting = third_party_load("POST submit (and its run)", 5_000);
    measure(server, submitting, |server, _| async move {
        submit(&server).await;
    })
    .await;
    let watching = third_party_load("submit, WebSocket to final", 5_000);
    measure(server, watching, |server, _| async move {
        let id = submit(&server).await;
        watch(&server, &id).await;
    })
    .await;
}
