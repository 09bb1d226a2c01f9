//! What is measured.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::LanguageSpec;
use coderun_piston_standin::{PistonStandin, StandinOptions};
use coderun_redis_fixture::{RedisOptions, RedisServer};
use tokio::runtime::{Builder, Runtime};

use crate::faults::measure_faults;
use crate::live::measure_live_output;
use crate::load::{
    Load, Server, Surroundings, health, measure, new_tokens, print_head, resident_kib, start,
    status, status_as, submit, until_final, watch,
};

use crate::server::raise_open_files_limit;
use crate::sockets::measure_sockets;

/// Connections at a time.
const CONNECTIONS: usize = 32;
/// Programs at a time where a third party runs them: as many as one takes.
const AT_THE_THIRD_PARTY: usize = 64;

type Scenario = fn() -> std::io::Result<()>;

/// What can be measured, by the names that select it.
const SCENARIOS: [(&str, Scenario); 6] = [
    ("memory", in_memory),
    ("redis", over_redis),
    ("sockets", with_many_sockets),
    ("live", live_output),
    ("piston", over_piston),
    ("faults", over_faulty_piston),
];

/// Measures what has one of these names, or everything if there are none.
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
    between("state in memory", Surroundings::default(), async |server| {
        measure_paths(server).await;
        measure_tokens(server).await;
    })
}

fn with_many_sockets() -> std::io::Result<()> {
    println!("\nmany sockets, state in memory");
    raise_open_files_limit();
    let directory = tempfile::tempdir()?;
    let server = Arc::new(start(directory.path(), Surroundings::default())?);
    runtime()?.block_on(measure_sockets(&server));
    Ok(())
}

fn live_output() -> std::io::Result<()> {
    println!("\nthe real service with its sandbox");
    let directory = tempfile::tempdir()?;
    runtime()?.block_on(measure_live_output(directory.path()))
}

fn on_redis(title: &str, options: &RedisOptions) -> std::io::Result<()> {
    let surroundings = Surroundings {
        redis: Some(RedisServer::with(options)),
        ..Surroundings::default()
    };
    between(title, surroundings, async |server| {
        measure_paths(server).await;
    })
}

fn over_faulty_piston() -> std::io::Result<()> {
    let latency = Duration::from_millis(100);
    println!("\nPiston that takes {latency:?}, and a fault in every tenth answer");
    let (_threads, piston) = start_piston(latency)?;
    let directory = tempfile::tempdir()?;
    let server = Arc::new(start(directory.path(), surroundings(&piston))?);
    runtime()?.block_on(measure_faults(&server, &piston));
    Ok(())
}

fn behind_piston(latency: Duration) -> std::io::Result<()> {
    let (_threads, piston) = start_piston(latency)?;
    let title = format!("state in memory, Piston that takes {latency:?}");
    between(&title, surroundings(&piston), measure_runs)
}

/// Starts a third party that answers every program after this time with the same result. It has threads of its own, so
/// that it neither costs the server CPU time nor delays the load.
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

fn surroundings(piston: &PistonStandin) -> Surroundings {
    Surroundings {
        piston_url: Some(piston.api_url()),
        ..Surroundings::default()
    }
}

/// What the server says that its worker can run.
fn runtimes() -> Vec<coderun_piston_standin::Runtime> {
    let catalog = coderun_domain::testing::catalog();
    let runtime = |spec: &LanguageSpec| {
        let version = spec.versions.first()?;
        let name = spec.language.as_str();
        Some(coderun_piston_standin::Runtime::new(name, version, &[]))
    };
    catalog.specs().iter().filter_map(runtime).collect()
}

/// Starts a server between these, and measures it.
fn between(
    title: &str,
    surroundings: Surroundings,
    measuring: impl AsyncFnOnce(&Arc<Server>),
) -> std::io::Result<()> {
    println!("\n{title}");
    print_head();
    let directory = tempfile::tempdir()?;
    let server = Arc::new(start(directory.path(), surroundings)?);
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

/// The same request with tokens that were never seen before, and then once more with each of them.
async fn measure_tokens(server: &Arc<Server>) {
    let id = submit(server).await;
    until_final(server, &id).await;
    let tokens = Arc::new(new_tokens(server, 5_000));
    for name in ["GET status, token first seen", "GET status, token repeated"] {
        measure(server, load(name, tokens.len()), |server, number| {
            let (id, tokens) = (id.clone(), Arc::clone(&tokens));
            async move {
                status_as(&server, &id, &tokens[number]).await;
            }
        })
        .await;
    }
}

async fn measure_runs(server: &Arc<Server>) {
    let id = submit(server).await;
    until_final(server, &id).await;
    let at_the_third_party = |name, count| Load {
        connections: AT_THE_THIRD_PARTY,
        ..load(name, count)
    };
    let submitting = at_the_third_party("POST submit (and its run)", 5_000);
    measure(server, submitting, |server, _| async move {
        submit(&server).await;
    })
    .await;
    let watching = at_the_third_party("submit, WebSocket to final", 5_000);
    measure(server, watching, |server, _| async move {
        let id = submit(&server).await;
        watch(&server, &id).await;
    })
    .await;
}
