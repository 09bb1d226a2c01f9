//! Attacks one service in many ways at once for minutes, and watches its memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::arena::{Arena, MEMORY_MAX_MIB, memory_mib, on_threads};
use crate::attack::Attack;
use crate::support::Launch;
use crate::{answers, bodies, connections, floods, places};

/// What each attacker does in turn, in the form without weight.
const ATTACKERS: [&[Attack]; 4] = [
    &[
        answers::UNREAD_STATUS,
        answers::UNREAD_EVENTS,
        answers::UNREAD_SOCKETS,
        answers::UNREAD_LISTS,
        answers::UNREAD_PIPELINES,
        answers::UNREAD_LIVE_OUTPUT,
        answers::SLOW_READERS,
    ],
    &[
        connections::HALF_HEADS,
        connections::SECOND_HALF_HEADS,
        connections::SLOW_BODIES,
    ],
    &[
        floods::ENDLESS_CHUNKS,
        floods::ENDLESS_MESSAGES,
        floods::PING_FLOOD,
        floods::STDIN_FLOOD,
    ],
    &[places::IDLE_PROMPTS, bodies::HOSTILE_BODIES],
];

const SAMPLE_SECONDS: u64 = 5;
/// Caches fill meanwhile.
const WARM_UP: Duration = Duration::from_mins(1);
/// How much the median of the second half may exceed that of the first, after the warm-up.
const GROWTH_MAX_MIB: u64 = 16;

/// With fewer, the halves after the warm-up have too few samples.
const MINUTES_MIN: u64 = 3;

/// Attacks for this many minutes, and says whether all victims were served and the memory stayed flat after the first.
pub(crate) fn holds(launch: &Launch, minutes: u64) -> bool {
    assert!(
        minutes >= MINUTES_MIN,
        "--mixed takes at least {MINUTES_MIN} minutes"
    );
    let launch = launch.with("USER_SUBMITS_PER_MINUTE", "0");
    let (samples, faults) = on_threads(async {
        let service = Arc::new(launch.start());
        let end = Instant::now() + Duration::from_mins(minutes);
        let arena = |number| {
            let attacker = service.token(&format!("attacker{number}"));
            Arena::new(Arc::clone(&service), attacker, 1, true)
        };
        let arenas: Vec<Arena> = (0..ATTACKERS.len()).map(arena).collect();
        let attackers = arenas.iter().zip(ATTACKERS);
        let attacking = attackers.map(|(arena, attacks)| attack_in_turn(arena, attacks, end));
        let (samples, _) = tokio::join!(watch_memory(service.id(), end), join_all(attacking));
        let faults: Vec<String> = arenas.iter().flat_map(Arena::take_faults).collect();
        (samples, faults)
    });
    for fault in &faults {
        println!("    - {fault}");
    }
    let growth = growth(&samples);
    let peak = samples
        .iter()
        .map(|(_, mib)| *mib)
        .max()
        .unwrap_or(u64::MAX);
    println!(
        "peak {peak} MiB, growth after the first minute {growth} MiB, {} faults",
        faults.len()
    );
    faults.is_empty() && growth <= GROWTH_MAX_MIB && peak <= MEMORY_MAX_MIB
}

async fn attack_in_turn(arena: &Arena, attacks: &[Attack], end: Instant) {
    for attack in attacks.iter().cycle() {
        if Instant::now() >= end || !arena.run(attack).await {
            break;
        }
        cancel_all(arena).await;
    }
}

/// Ends the programs of an attacker, so that the next attack does not meet quotas.
async fn cancel_all(arena: &Arena) {
    let attacker = arena.attacker();
    let list = arena
        .service
        .read("/api/v1/executions?limit=100", &attacker);
    for execution in list.await["executions"].as_array().expect("a list") {
        if execution["verdict"].is_null() {
            let id = execution["execution_id"].as_str().expect("an id");
            arena.service.cancel(&attacker, id).await;
        }
    }
}

/// Prints the memory of the service again and again, and returns it with the time since the beginning.
async fn watch_memory(process: u32, end: Instant) -> Vec<(Duration, u64)> {
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(SAMPLE_SECONDS));
    while Instant::now() < end {
        ticks.tick().await;
        let mib = memory_mib(process, "VmRSS:").expect("a service that lives");
        println!("{:>6} s {mib:>6} MiB", began.elapsed().as_secs());
        samples.push((began.elapsed(), mib));
    }
    samples
}

/// By how much the second half of the time after the warm-up exceeds the first half, by their medians.
fn growth(samples: &[(Duration, u64)]) -> u64 {
    let warm = samples.iter().filter(|(since, _)| *since >= WARM_UP);
    let warm: Vec<u64> = warm.map(|(_, mib)| *mib).collect();
    let (first, second) = warm.split_at(warm.len() / 2);
    median(second).saturating_sub(median(first))
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
