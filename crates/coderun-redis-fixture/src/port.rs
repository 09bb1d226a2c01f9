//! Ports that are free.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{Ipv4Addr, TcpListener};

/// Below the ports that systems give to outgoing connections: a client that keeps trying to reach a server that is
/// gone can otherwise end up connected to itself, on the very port that the server wants back.
const RANGE: std::ops::Range<u16> = 12_000..32_000;
const TRIES: usize = 1_000;

/// A loopback port that nobody listened on a moment ago.
pub(crate) fn free() -> u16 {
    (0..TRIES)
        .map(|_| random())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port between 12000 and 32000 on 127.0.0.1")
}

fn random() -> u16 {
    let width = u64::from(RANGE.end - RANGE.start);
    let offset = RandomState::new().build_hasher().finish() % width;
    RANGE.start + u16::try_from(offset).unwrap_or_default()
}
