//! Measures the paths of a request, over each storage and with third parties that take no time and 50 ms.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coderun_redis_fixture::RedisOptions;

use crate::comparison::{Contender, ROUNDS, Row, compare};
use crate::load::{COLUMNS, measure, repeat, status, submit, watch};
use crate::server::{Server, Setup, runtime};

/// Submissions before anything is measured.
const WARM_UP: usize = 500;

pub(crate) fn in_memory(contenders: &[Contender]) -> io::Result<()> {
    measure_paths("state in memory", contenders, None)
}

pub(crate) fn on_redis(contenders: &[Contender]) -> io::Result<()> {
    let options = RedisOptions::default();
    measure_paths("state in Redis", contenders, Some(&options))
}

pub(crate) fn on_redis_with_file(contenders: &[Contender]) -> io::Result<()> {
    let options = RedisOptions {
        append_only: true,
        ..RedisOptions::default()
    };
    let title = "state in Redis, which writes each change to a file";
    measure_paths(title, contenders, Some(&options))
}

fn measure_paths(
    title: &str,
    contenders: &[Contender],
    redis: Option<&RedisOptions>,
) -> io::Result<()> {
    for latency in [Duration::ZERO, Duration::from_millis(50)] {
        let title = format!("{title}, third party at {} ms", latency.as_millis());
        compare(&title, &COLUMNS, ROUNDS, contenders, |program| {
            let setup = Setup {
                redis,
                latency,
                ..Setup::default()
            };
            measure_server(program, &setup)
        })?;
    }
    Ok(())
}

fn measure_server(program: &Path, setup: &Setup<'_>) -> io::Result<Vec<Row>> {
    let server = Arc::new(Server::start(program, setup)?);
    runtime()?.block_on(async {
        let mut rows = Vec::new();
        let is_instant = setup.latency.is_zero();
        repeat(&server, WARM_UP, run).await;
        if is_instant {
            rows.push(measure_status(&server).await);
        }
        let count = if is_instant { 6_000 } else { 3_000 };
        rows.push(measure(&server, "submit to completed", count, run).await);
        let count = count / 2;
        rows.push(measure(&server, "submit, WebSocket to final", count, run_watched).await);
        rows.push(measure(&server, "mixed", count, run_mixed).await);
        Ok(rows)
    })
}

async fn measure_status(server: &Arc<Server>) -> Row {
    let id = submit(server).await;
    watch(server, &id).await;
    measure(server, "status", 20_000, |server, _| {
        let id = id.clone();
        async move {
            status(&server, &id).await;
        }
    })
    .await
}

async fn run(server: Arc<Server>, _: usize) {
    submit(&server).await;
}

async fn run_watched(server: Arc<Server>, _: usize) {
    let id = submit(&server).await;
    watch(&server, &id).await;
}

/// Two of three executions are watched, and the status of each is read once.
async fn run_mixed(server: Arc<Server>, number: usize) {
    let id = submit(&server).await;
    if !number.is_multiple_of(3) {
        watch(&server, &id).await;
    }
    status(&server, &id).await;
}
