//! Attacks on memory and processes.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::arena::{Arena, judged};
use crate::attack::{Attack, Promised, Run};

pub(crate) const MEMORY_BUDGET: Attack = Attack {
    name: "memory-budget",
    promise: "Eight users run a program of 900 MiB each at a time on a machine that has not as much; all are judged rightly, once.",
    promised: Promised::Always,
    is_light: false,
    settings: &[("WORKER_CONCURRENCY", "9")],
    victims: 1,
    run: |arena| Box::pin(memory_budget(arena)),
};

async fn memory_budget(arena: &Arena) {
    let program = json!({
        "language": "python",
        "code": include_str!("programs/much_memory.py"),
        "limits": {"memory_bytes": 1 << 30, "wall_time_ms": 60_000},
    });
    let tokens: Vec<_> = (0..8)
        .map(|number| arena.service.token(&format!("large{number}")))
        .collect();
    let runs = tokens
        .iter()
        .map(|token| arena.service.run(token, &program));
    let (records, ()) = tokio::join!(
        join_all(runs),
        arena.watch_victims(1, Duration::from_secs(8))
    );
    for record in records {
        arena.check(
            record["verdict"] == "accepted" && record["attempts"] == 1,
            || judged(&record),
        );
    }
}

pub(crate) const FORK_BOMB: Attack = bomb(
    "fork-bomb",
    "A program forks without end: it ends by the process limit.",
    "processes",
    |arena| {
        Box::pin(ends_by(
            arena,
            include_str!("programs/fork_bomb.py"),
            &["process_limit"],
        ))
    },
);

pub(crate) const SHARED_MEMORY: Attack = bomb(
    "shared-memory",
    "A program hides memory in shared mappings: it ends by the memory limit.",
    "memory",
    |arena| {
        Box::pin(ends_by(
            arena,
            include_str!("programs/shared_memory.py"),
            &["memory_limit"],
        ))
    },
);

pub(crate) const MEMORY_FILES: Attack = bomb(
    "memory-files",
    "A program hides memory in files without a name (`memfd_create`): it ends by the memory limit, or gets no such file.",
    "memory",
    |arena| {
        let verdicts = &["memory_limit", "runtime_error"];
        Box::pin(ends_by(
            arena,
            include_str!("programs/memory_files.py"),
            verdicts,
        ))
    },
);

const fn bomb(
    name: &'static str,
    promise: &'static str,
    control: &'static str,
    run: Run,
) -> Attack {
    Attack {
        name,
        promise,
        promised: Promised::By(control),
        is_light: false,
        settings: &[],
        victims: 1,
        run,
    }
}

/// Two users run this program several times, and it always ends by one of these verdicts.
async fn ends_by(arena: &Arena, code: &str, verdicts: &[&str]) {
    let program = json!({"language": "python", "code": code});
    let tokens = ["attacker0", "attacker1"].map(|name| arena.service.token(name));
    let attack = async {
        for _ in 0..3 {
            for record in join_all(
                tokens
                    .iter()
                    .map(|token| arena.service.run(token, &program)),
            )
            .await
            {
                let verdict = record["verdict"].as_str().unwrap_or_default();
                let is_right = verdicts.contains(&verdict) && record["attempts"] == 1;
                arena.check(is_right, || judged(&record));
            }
        }
    };
    tokio::join!(attack, arena.watch_victims(1, Duration::from_secs(5)));
}
