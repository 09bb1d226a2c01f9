//! Attacks by many accounts, where accounts cost nothing.

use std::time::Duration;

use serde_json::json;

use crate::arena::Arena;
use crate::attack::{Attack, Promised};
use crate::support::Socket;

const KIB: usize = 1024;

pub(crate) const GREEDY_ACCOUNTS: Attack = Attack {
    name: "greedy-accounts",
    promise: "Four accounts submit as much and open as many sockets as they may, until the bounds on all users are near; others \
              are accepted and served.",
    promised: Promised::Always,
    is_light: true,
    settings: SMALL_BOUNDS,
    victims: 1,
    run: |arena| Box::pin(greedy_accounts(arena)),
};

pub(crate) const THOUSAND_ACCOUNTS: Attack = Attack {
    name: "thousand-accounts",
    promise: "A thousand accounts submit as much as they may; a new user is accepted.",
    promised: Promised::Always,
    is_light: false,
    // The reserve for users who hold little has room for a thousand with the bounds of the default.
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(thousand_accounts(arena)),
};

/// Small, so that few bytes fill them.
const SMALL_BOUNDS: &[(&str, &str)] = &[
    ("LIVE_BYTES_MAX", "16MiB"),
    ("PENDING_MAX", "200"),
    ("SOCKETS_MAX", "160"),
];

/// Programs that wait: large ones first, then as small ones as still find room.
fn programs() -> [String; 3] {
    [900 * KIB, 90 * KIB, 0].map(|bytes| {
        json!({"language": "bash", "code": "sleep 3", "input_data": "x".repeat(bytes)}).to_string()
    })
}

async fn greedy_accounts(arena: &Arena) {
    let (mut sockets, programs) = (Vec::new(), programs());
    for number in 0..4 {
        let token = arena.service.token(&format!("greedy{number}"));
        let mut ids = Vec::new();
        for program in &programs {
            ids.extend(arena.flood(&token, program, 100).await);
        }
        let (address, query) = (&arena.service.address, format!("token={token}"));
        if let Some(id) = ids.first() {
            for _ in 0..50 {
                sockets.push(Socket::try_open(address, id, &query).await);
            }
        }
    }
    arena.watch_victims(1, Duration::from_secs(8)).await;
    // Four users may occupy all places, so that a victim waits for the end of a program.
    arena.forget_times();
}

async fn thousand_accounts(arena: &Arena) {
    let programs = programs();
    for number in 0..arena.scaled(1000) {
        let token = arena.service.token(&format!("account{number}"));
        for program in &programs {
            arena.flood(&token, program, 4).await;
        }
    }
    for number in 0..5 {
        let token = arena.service.token(&format!("newcomer{number}"));
        let small = json!({"language": "bash", "code": "sleep 3"});
        let answer = arena.service.try_submit(&token, &small).await;
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        arena.check(status.is_success(), || {
            format!("a new user got {status}: {body}")
        });
    }
}
