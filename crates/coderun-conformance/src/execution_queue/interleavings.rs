//! Checks the promises that hold at all times, under any steps in any order.

mod clients;
mod events;
mod groups;
mod model;
mod room;
mod run;
mod simulation;
mod step;
mod transcript;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_domain::testing::{EVERYONE, finished};
use fastrand::Rng;
use tokio::task::JoinSet;

use crate::fixtures::{SECOND, chunk, id, languages, within, worker};
use crate::{Backend, Setup};
use events::assert_well_formed;
use groups::Groups;
use simulation::{Simulation, unless_lost};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const RUNNING_MAX: u32 = 3;
/// So many that each user meets their share, and all of them the bound.
const PENDING_MAX: u32 = 32;

/// Four thousand random steps by users, good and stale workers and the clock.
pub async fn random_steps_keep_every_promise(setup: Setup) {
    for seed in 1..=5_u64 {
        let backend = setup
            .with(|policy| {
                policy.user_running_max = RUNNING_MAX;
                policy.queue_deadline = Duration::from_mins(1);
                policy.retention = Duration::from_mins(5);
            })
            .await;
        let mut simulation = Simulation::new(backend, seed);
        for step in 0..800 {
            simulation.step().await;
            if step % 500 == 0 {
                simulation.check_all().await;
            }
        }
        simulation.check_all().await;
        simulation.run_out().await;
    }
}

/// The number of random groups that are sent. The environment variable [`GROUPS_VARIABLE`] changes it.
const GROUPS: u32 = 250;
/// Each backend gets so many groups before everything in it ends.
const GROUPS_PER_BACKEND: u32 = 250;
/// The number of groups for [`random_groups_match_the_model`], such as 50 000 where scripts or rules have changed.
const GROUPS_VARIABLE: &str = "CODERUN_CONFORMANCE_GROUPS";

#[expect(
    clippy::disallowed_methods,
    reason = "a suite has no settings, and its callers are tests"
)]
fn groups_wanted() -> u32 {
    match std::env::var(GROUPS_VARIABLE) {
        Ok(count) => count.parse().unwrap(),
        Err(_) => GROUPS,
    }
}

/// Groups of steps at a time, with offers, repetitions after lost replies, workers that crash and a clock that jumps: every
/// answer is one that the model allows, and what is stored is what was answered.
pub async fn random_groups_match_the_model(setup: Setup) {
    let mut wanted = groups_wanted();
    for seed in 1_u64.. {
        let count = wanted.min(GROUPS_PER_BACKEND);
        let backend = setup
            .with(|policy| {
                policy.user_running_max = RUNNING_MAX;
                policy.pending_max = PENDING_MAX;
                policy.queue_deadline = Duration::from_mins(1);
                policy.retention = Duration::from_hours(24);
            })
            .await;
        let mut groups = Groups::new(backend, seed);
        for _ in 0..count {
            groups.send_group().await;
        }
        groups.run_out().await;
        wanted -= count;
        if wanted == 0 {
            return;
        }
    }
}

/// Takes, prints and finishes until `stop`; releases some executions and abandons others. Returns what it finished.
async fn work(
    backend: Arc<Backend>,
    name: String,
    seed: u64,
    stop: Arc<AtomicBool>,
) -> Vec<ExecutionId> {
    let mut random = Rng::with_seed(seed);
    let mut finished_by_me = Vec::new();
    let (worker, languages) = (worker(&name), languages());
    while !stop.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
        let queue = &backend.queue;
        let taken = queue.take(&worker, &languages, EVERYONE, 1).await.unwrap();
        let Some(lease) = taken.into_iter().next() else {
            continue;
        };
        let mut last = lease.execution().sequence();
        for _ in 0..random.usize(..4) {
            let appended = queue.append(&lease, last, &[chunk(&lease, "x")]).await;
            last = unless_lost(appended).unwrap_or(last);
            tokio::task::yield_now().await;
        }
        match random.usize(..8) {
            0 => {
                unless_lost(queue.release(&lease).await);
            }
            1 => {}
            _ => {
                let ended = unless_lost(backend.try_finish(&lease, &finished()).await);
                finished_by_me.extend(ended.map(|()| lease.id()));
            }
        }
    }
    finished_by_me
}

/// With four workers, a user who cancels and a clock that advances at the same time, each execution ends once.
pub async fn concurrent_workers_keep_every_promise(backend: Backend) {
    const EXECUTIONS: u32 = 200;
    let backend = Arc::new(backend);
    let stop = Arc::new(AtomicBool::new(false));
    let mut workers = JoinSet::new();
    for number in 1..=4 {
        let name = format!("worker-{number}");
        workers.spawn(work(
            Arc::clone(&backend),
            name,
            number * 77,
            Arc::clone(&stop),
        ));
    }
    for number in 1..=EXECUTIONS {
        backend.submit(number, USERS[number as usize % 3]).await;
        if number % 10 == 0 {
            backend.cancel(id(number)).await;
        }
        tokio::task::yield_now().await;
    }
    within(async {
        for number in 1..=EXECUTIONS {
            while !backend.get(id(number)).await.status().is_final() {
                backend.advance(SECOND);
                backend.sweep().await;
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    let mut finished = within(workers.join_all()).await.concat();
    for number in 1..=EXECUTIONS {
        assert_well_formed(&backend, id(number)).await;
    }
    let count = finished.len();
    finished.sort_unstable();
    finished.dedup();
    assert_eq!(finished.len(), count, "no execution was finished twice");
}
