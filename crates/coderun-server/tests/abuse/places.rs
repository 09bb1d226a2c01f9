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
    is_light: false,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(idle_prompts(arena)),
};

async fn idle_prompts(arena: &Arena) {
    let attacker = arena.service.token("attacker");
    let prompt = json!({"language": "python", "code": "input()", "interactive": true});
    arena.begin(&attacker, &prompt, "awaiting_input").await;
    arena.flood(&attacker, &prompt, arena.scaled(PROMPTS)).await;
    arena.watch_victims(1, Duration::from_secs(6)).await;
}
