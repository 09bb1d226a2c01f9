//! Finds free ports.

use std::net::{Ipv4Addr, TcpListener};

/// Below the ports of outgoing connections. Otherwise a client that keeps connecting to a server that is gone may connect
/// to itself, on the port that the server needs for its restart.
const RANGE: std::ops::Range<u16> = 12_000..32_000;
const ATTEMPTS: usize = 1_000;

/// A loopback port that was free a moment ago.
pub(crate) fn free() -> u16 {
    (0..ATTEMPTS)
        .map(|_| fastrand::u16(RANGE))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port between 12000 and 32000 on 127.0.0.1")
}
