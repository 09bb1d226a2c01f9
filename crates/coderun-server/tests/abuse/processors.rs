//! Attacks on the processors.

use std::time::Duration;

use serde_json::{Value, json};

use crate::arena::{Arena, judged};
use crate::attack::{Attack, Promised};

pub(crate) const BUSY_PROCESSES: Attack = Attack {
    name: "busy-processes",
    promise: "A program of one user has 64 busy processes, each in a session of its own; an honest program that needs 0.6 s of \
              CPU time ends within 3 s.",
    promised: Promised::ByShares,
    is_light: false,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(busy_processes(arena)),
};

async fn busy_processes(arena: &Arena) {
    let attacker = arena.attacker();
    let busy = json!({
        "language": "python",
        "code": include_str!("programs/busy_processes.py"),
        "limits": {"cpu_time_ms": 15_000, "wall_time_ms": 20_000},
    });
    let id = arena.begin(&attacker, &busy, "execution_output").await;
    arena.watch_victims(1, Duration::from_secs(5)).await;
    let honest = json!({
        "language": "python",
        "code": include_str!("programs/some_cpu_time.py"),
        "limits": {"wall_time_ms": 3_000},
    });
    let record = arena
        .service
        .run(&arena.service.token("honest"), &honest)
        .await;
    arena.check(record["verdict"] == "accepted", || {
        format!("0.6 s of CPU time: {}", judged(&record))
    });
    arena.service.cancel(&attacker, &id).await;
}

pub(crate) const BURNERS: Attack = Attack {
    name: "burners",
    promise: "One user submits 500 programs that only burn CPU time; 50 users with a greeting each wait at most three times as \
              long as alone.",
    promised: Promised::ByShares,
    is_light: false,
    settings: &[
        ("USER_PENDING_MAX", "500"),
        ("USER_SUBMITS_PER_MINUTE", "0"),
    ],
    victims: 50,
    run: |arena| Box::pin(burners(arena)),
};

async fn burners(arena: &Arena) {
    let attacker = arena.attacker();
    let burner = json!({
        "language": "bash",
        "code": "echo ready; while :; do :; done",
        "limits": {"cpu_time_ms": 15_000},
    });
    arena.begin(&attacker, &burner, "execution_output").await;
    arena.flood(&attacker, &burner, arena.scaled(499)).await;
    arena.watch_victims(50, Duration::from_secs(10)).await;
}

pub(crate) const SLOW_DEATH: Attack = Attack {
    name: "slow-death",
    promise: "A program of 60 processes with much memory asks for the lowest scheduling class and meets its limit while others of \
              its user keep all processors busy; programs of other users run on, once.",
    promised: Promised::ByShares,
    is_light: false,
    settings: &[("WORKER_CONCURRENCY", "6")],
    victims: 1,
    run: |arena| Box::pin(slow_death(arena)),
};

async fn slow_death(arena: &Arena) {
    let (attacker, bystander) = (arena.attacker(), arena.service.token("bystander"));
    let steady = json!({
        "language": "bash",
        "code": "for i in $(seq 25); do echo $i; sleep 1; done",
        "limits": {"wall_time_ms": 60_000},
    });
    let steady = arena.begin(&bystander, &steady, "execution_output").await;
    let dying = json!({
        "language": "c",
        "code": include_str!("programs/slow_death.c"),
        "limits": {"memory_bytes": 1 << 30, "wall_time_ms": 4_000},
    });
    let dying = arena.begin(&attacker, &dying, "execution_output").await;
    let busy = json!({
        "language": "python",
        "code": include_str!("programs/busy_processes.py"),
        "limits": {"cpu_time_ms": 15_000, "wall_time_ms": 30_000},
    });
    arena.flood(&attacker, &busy, 4).await;
    arena.watch_victims(1, Duration::from_secs(15)).await;
    let record = arena.service.final_record(&attacker, &dying).await;
    arena.check(
        record["verdict"] == "time_limit" && record["attempts"] == 1,
        || format!("the dying program: {}", judged(&record)),
    );
    let record = arena.service.final_record(&bystander, &steady).await;
    arena.check(
        record["verdict"] == "accepted" && record["attempts"] == 1,
        || format!("a program that counts to 25: {}", judged(&record)),
    );
}

pub(crate) const ORPHANED_CPU_TIME: Attack = Attack {
    name: "orphaned-cpu-time",
    promise: "A program burns CPU time in children that end at once and that it never waits for; it counts towards the limit.",
    promised: Promised::By("cpu"),
    is_light: false,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(orphaned_cpu_time(arena)),
};

async fn orphaned_cpu_time(arena: &Arena) {
    let attacker = arena.attacker();
    let program = json!({
        "language": "python",
        "code": include_str!("programs/orphaned_cpu_time.py"),
        "limits": {"cpu_time_ms": 1_000, "wall_time_ms": 15_000},
    });
    let (record, ()) = tokio::join!(
        arena.service.run(&attacker, &program),
        arena.watch_victims(1, Duration::from_secs(3))
    );
    let spent = record["cpu_time_ms"].as_u64().unwrap_or(u64::MAX);
    arena.check(record["verdict"] == "time_limit" && spent < 2_000, || {
        judged(&record)
    });
}

pub(crate) const TINY_WRITES: Attack = Attack {
    name: "tiny-writes",
    promise: "Programs of one user write single bytes to both streams in turn; others are served, and memory is bounded.",
    promised: Promised::ByShares,
    is_light: false,
    settings: &[],
    victims: 1,
    run: |arena| {
        let program = json!({
            "language": "python",
            "code": include_str!("programs/tiny_writes.py"),
            "limits": {"output_bytes": 4 << 20, "cpu_time_ms": 15_000},
        });
        Box::pin(run_many(arena, program))
    },
};

pub(crate) const COMPILER_BOMBS: Attack = Attack {
    name: "compiler-bombs",
    promise: "One user's programs make the compiler use all the time and memory that it may have; others are served.",
    run: |arena| {
        let code = include_str!("programs/compiler_bomb.c");
        Box::pin(run_many(arena, json!({"language": "c", "code": code})))
    },
    ..TINY_WRITES
};

/// One user submits a program as often as it is accepted.
async fn run_many(arena: &Arena, program: Value) {
    let attacker = arena.attacker();
    arena.flood(&attacker, &program, arena.scaled(100)).await;
    arena.watch_victims(1, Duration::from_secs(10)).await;
}
