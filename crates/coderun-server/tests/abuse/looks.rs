//! Attacks on the service's own processor time by programs that it watches.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::arena::Arena;
use crate::attack::{Attack, Promised};

/// The share of one processor that the service may use: for three looks at a time at two per cent each, and for the greetings.
const SHARE_MAX: f64 = 0.25;

pub(crate) const PROMPT_LOOKS: Attack = Attack {
    name: "prompt-looks",
    promise: "Interactive programs of three users wait in 20 threads for an epoll with 300,000 items; looking whether they wait \
              for input takes the service a quarter of one processor at most.",
    promised: Promised::Always,
    is_light: false,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(prompt_looks(arena)),
};

async fn prompt_looks(arena: &Arena) {
    let program = json!({
        "language": "python",
        "code": include_str!("programs/large_epoll.py"),
        "limits": {"memory_bytes": 512 << 20, "cpu_time_ms": 15_000, "wall_time_ms": 30_000},
        "interactive": true,
    });
    let mut programs = Vec::new();
    for name in ["attacker0", "attacker1", "attacker2"] {
        let token = arena.service.token(name);
        let id = arena.begin(&token, &program, "execution_output").await;
        programs.push((token, id));
    }
    let (began, used) = (Instant::now(), cpu_time(arena));
    arena.watch_victims(1, Duration::from_secs(8)).await;
    let share = cpu_time(arena).saturating_sub(used).as_secs_f64() / began.elapsed().as_secs_f64();
    arena.check(share <= SHARE_MAX, || {
        format!("the service used {share:.2} of a processor")
    });
    for (token, id) in programs {
        arena.service.cancel(&token, &id).await;
    }
}

/// The processor time that the service itself has used.
fn cpu_time(arena: &Arena) -> Duration {
    let path = format!("/proc/{}/stat", arena.service.id());
    let stat = std::fs::read_to_string(path).expect("the statistics of the service");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_secs(ticks)
        / u32::try_from(rustix::param::clock_ticks_per_second()).expect("a number")
}
