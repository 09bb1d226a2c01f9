//! Estimates what the sockets of a sandbox hold for readers that do not read, which is memory of the kernel.
//!
//! The kernel tells the number of sockets of a network, in no process or in flight too, but not what they hold. So each one
//! beyond the first few counts as the most that it can hold.

use std::fs;

/// The most that the sockets in the network of a process hold, beyond what honest programs have; 0 once it has ended.
pub(super) fn socket_bytes(pid: i32) -> u64 {
    let counts = fs::read_to_string(format!("/proc/{pid}/net/sockstat")).unwrap_or_default();
    bytes_of(&counts)
}

fn bytes_of(counts: &str) -> u64 {
    let mut lines = counts.lines();
    let used = lines.find_map(|line| line.strip_prefix("sockets: used "));
    let used: u64 = used.and_then(|it| it.parse().ok()).unwrap_or(0);
    used.saturating_sub(NOT_COUNTED)
        .saturating_mul(SOCKET_MAX_BYTES)
}

/// Sockets that count nothing: as good as every program has fewer, and fills none of them.
const NOT_COUNTED: u64 = 64;
/// The two buffers of a TCP socket, which the network bounds. Other sockets hold at most half as much.
const SOCKET_MAX_BYTES: u64 = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_beyond_the_first_few_count_as_full() {
        assert_eq!(bytes_of("sockets: used 64\nTCP: inuse 9\n"), 0);
        assert_eq!(bytes_of("sockets: used 66\nTCP: inuse 9\n"), 1 << 20);
        assert_eq!(bytes_of(""), 0);
    }
}
