//! Tests that kills of processes and of Redis lose, duplicate and corrupt nothing that was accepted.
//!
//! `CHAOS_SECONDS` is the duration of the disturbances (15 by default), `CHAOS_SEED` selects the processes to kill.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod audit;
mod disturbance;
mod load;
mod programs;
mod replicas;
mod report;
mod rolling;
#[expect(dead_code, unused_imports, reason = "shared with other test programs")]
#[path = "../support/support.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use coderun_redis_fixture::{RedisOptions, RedisServer};

use crate::disturbance::Disturbance;
use crate::load::Load;
use crate::replicas::Replicas;
use crate::report::Report;
use crate::support::Launch;

const REPLICAS: usize = 3;
const USERS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_while_replicas_and_redis_are_killed() {
    let seconds = setting("CHAOS_SECONDS", 15);
    let seed = setting("CHAOS_SEED", 1);
    let redis = Arc::new(RedisServer::with(&RedisOptions {
        append_only: true,
        lines: vec!["maxmemory-policy noeviction".to_owned()],
        ..RedisOptions::default()
    }));
    let launch = Launch::on(&redis.url()).with("USER_SUBMITS_PER_MINUTE", "0");
    let replicas = Replicas::start(&launch.with("USER_PENDING_MAX", "10000"), REPLICAS);
    let addresses = replicas.addresses();
    let load = Load::begin(&addresses, &launch, USERS);
    let disturbance = Disturbance::new(Duration::from_secs(seconds), seed);
    let replicas = disturbance.run(replicas, Arc::clone(&redis)).await;
    let load_result = load.end().await;
    let audit = audit::audit(&addresses, &load_result).await;
    let report = Report {
        seconds,
        seed,
        disturbance_counts: replicas.counts,
        load_result,
        audit,
    };
    drop((replicas, redis));
    report.print();
    report.assert_nothing_is_wrong();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_and_duplicates_nothing() {
    let redis = Arc::new(RedisServer::start());
    let launch = Launch::on(&redis.url())
        .with("USER_SUBMITS_PER_MINUTE", "0")
        .with("USER_PENDING_MAX", "10000")
        .with("DRAIN_SECONDS", &rolling::DRAIN_SECONDS.to_string());
    let mut replicas = Replicas::start(&launch, REPLICAS);
    let addresses = replicas.addresses();
    let token = launch.token("user0");
    let long = programs::long_program(rolling::LONG_SECONDS);
    let long = replicas.begin(&token, long).await;
    let load = Load::begin(&addresses, &launch, USERS);
    let began = std::time::Instant::now();
    rolling::restart_all(&mut replicas).await;
    let seconds = began.elapsed().as_secs();
    let mut load_result = load.end().await;
    load_result.accepted.push(long);
    let audit = audit::audit(&addresses, &load_result).await;
    let report = Report {
        seconds,
        seed: 0,
        disturbance_counts: replicas.counts,
        load_result,
        audit,
    };
    drop((replicas, redis));
    report.print();
    report.assert_nothing_is_wrong();
    assert_eq!(report.audit.given_up, Vec::<String>::new());
}

fn setting(name: &str, default: u64) -> u64 {
    let value = std::env::var_os(name).map(|value| value.into_string().expect("text"));
    value.map_or(default, |value| value.parse().expect("a number"))
}
