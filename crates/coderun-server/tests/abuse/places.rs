//! Attacks on the places in which programs run.

use std::time::Duration;

use serde_json::json;

use crate::arena::Arena;
use crate::attack::{Attack, Promised};

/// More than there are places on most machines; fewer than one user may submit.
const PROMPTS: usize = 80;

pub(crate) const IDLE_PROMPTS: Attack = Attack {
    name: "idle-prompts",
    promise: "One user's interactive programs wait for input that nobody types; they occupy no place that others need.",
    promised: Promised::Always,
    is_light: true,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(idle_prompts(arena)),
};

async fn idle_prompts(arena: &Arena) {
    let attacker = arena.attacker();
    let prompt = json!({"language": "python", "code": "input()", "interactive": true});
    arena.begin(&attacker, &prompt, "awaiting_input").await;
    arena.flood(&attacker, &prompt, arena.scaled(PROMPTS)).await;
    arena.watch_victims(1, Duration::from_secs(6)).await;
}

pub(crate) const PARKED_BURNERS: Attack = Attack {
    name: "parked-burners",
    promise: "Interactive programs of two users wait for input in one thread, and burn CPU time in many processes once their place \
              is given to others.",
    promised: Promised::ByShares,
    is_light: false,
    run: |arena| Box::pin(parked_burners(arena)),
    ..IDLE_PROMPTS
};

async fn parked_burners(arena: &Arena) {
    let program = json!({
        "language": "python",
        "code": include_str!("programs/parked_burner.py"),
        "limits": {"cpu_time_ms": 15_000},
        "interactive": true,
    });
    for name in ["attacker0", "attacker1"] {
        let token = arena.service.token(name);
        arena.begin(&token, &program, "awaiting_input").await;
        arena.flood(&token, &program, 3).await;
    }
    arena.watch_victims(1, Duration::from_secs(8)).await;
}
