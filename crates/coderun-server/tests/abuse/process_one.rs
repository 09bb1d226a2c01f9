//! Attacks on process 1 of the attacker's own sandbox.

use std::time::Duration;

use serde_json::json;

use crate::arena::{Arena, judged};
use crate::attack::{Attack, Promised};

/// What programs do to process 1: each is a file, judged by itself.
const PROGRAMS: [(&str, &str); 3] = [
    ("limits", include_str!("programs/process_one_limits.py")),
    ("signals", include_str!("programs/process_one_signals.py")),
    ("schedule", include_str!("programs/process_one_schedule.py")),
];

pub(crate) const PROCESS_ONE: Attack = Attack {
    name: "process-one",
    promise: "Programs limit, signal and slow process 1 of their sandbox; that is their own doing: one attempt, no internal error.",
    promised: Promised::Always,
    is_light: true,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(process_one(arena)),
};

async fn process_one(arena: &Arena) {
    let attacker = arena.attacker();
    for (what, code) in PROGRAMS {
        let program = json!({"language": "python", "code": code});
        let (record, ()) = tokio::join!(
            arena.service.run(&attacker, &program),
            arena.watch_victims(1, Duration::from_secs(1))
        );
        let is_own_doing = record["attempts"] == 1 && record["verdict"] != "internal_error";
        arena.check(is_own_doing, || format!("{what}: {}", judged(&record)));
    }
}
