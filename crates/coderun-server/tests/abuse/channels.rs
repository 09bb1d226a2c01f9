//! Attacks by two users whose programs want to talk to each other.

use serde_json::json;

use crate::arena::Arena;
use crate::attack::{Attack, Promised};

pub(crate) const CHANNELS: Attack = Attack {
    name: "channels",
    promise: "A program of one user sends a bit to another's by whole-file locks, sockets, files, keys and processes; that one sees \
              the same whether the bit is 0 or 1.",
    promised: Promised::Always,
    is_light: true,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(send_bits(arena, |channel| !OPEN.contains(&channel))),
};

pub(crate) const OPEN_CHANNELS: Attack = Attack {
    name: "open-channels",
    promise: "The same by record locks on files that both see and by pages that the kernel has cached.",
    promised: Promised::Never,
    is_light: false,
    run: |arena| Box::pin(send_bits(arena, |channel| OPEN.contains(&channel))),
    ..CHANNELS
};

/// Channels that cannot be closed without breaking honest programs.
const OPEN: [&str; 4] = [
    "record lock on /usr/bin/env",
    "record lock on /etc/passwd",
    "record lock on /dev/null",
    "cached page",
];

async fn send_bits(arena: &Arena, is_meant: fn(&str) -> bool) {
    let (zero, one) = (receive(arena, "0").await, receive(arena, "1").await);
    let count = zero.iter().filter(|line| is_meant(channel(line))).count();
    arena.check(count > 0 && zero.len() == one.len(), || {
        format!("{zero:?} and {one:?}")
    });
    for (zero, one) in zero
        .iter()
        .zip(&one)
        .filter(|(line, _)| is_meant(channel(line)))
    {
        arena.check(zero == one, || format!("with 0 `{zero}`, with 1 `{one}`"));
    }
}

/// Which channel a line of the receiver is about.
fn channel(line: &str) -> &str {
    line.split_once(": ").map_or(line, |(channel, _)| channel)
}

/// What the receiver sees, line by line, while this bit is sent.
async fn receive(arena: &Arena, bit: &str) -> Vec<String> {
    let (alice, bob) = (arena.service.token("alice"), arena.service.token("bob"));
    let sender = include_str!("programs/sender.py");
    let sender = json!({"language": "python", "code": sender, "args": [bit]});
    let sender = arena.begin(&alice, &sender, "execution_output").await;
    let receiver = json!({"language": "python", "code": include_str!("programs/receiver.py")});
    let record = arena.service.run(&bob, &receiver).await;
    arena.service.cancel(&alice, &sender).await;
    arena.check(record["verdict"] == "accepted", || {
        crate::arena::judged(&record)
    });
    let output = record["output"].as_str().unwrap_or_default();
    output.lines().map(str::to_owned).collect()
}
