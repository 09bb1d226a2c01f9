//! Claims a range of user ids, so that two services on a machine give no id to two programs.
//!
//! What the kernel counts for a user, such as the memory of pipes, programs with the same id would share. A claim is a name that
//! only one socket of the machine may have, and ends with the process; a file would need a folder that all services may write to.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A range of user and group ids, claimed until this is dropped.
#[derive(Debug)]
pub(crate) struct UserIds {
    first: u32,
    /// One for each block of the range.
    _claims: Vec<UnixDatagram>,
}

/// Services claim ids in blocks of this many, with a name for each block.
const BLOCK: u32 = 64;

/// Above it are the ids that stand for no user, and those that a container may not have.
const LAST: u32 = 65_533;

impl UserIds {
    /// Claims so many ids, from `first` upwards or from the next block on that no other service has.
    ///
    /// Where none can be claimed, the ids from `first` on are shared with other services, and the log says so.
    pub(crate) fn claim(first: u32, count: u32) -> Self {
        let mut start = first;
        let mut refusal = None;
        while start.saturating_add(count.saturating_sub(1)) <= LAST {
            match claim_blocks(start, count) {
                Ok(claims) => {
                    return Self {
                        first: start,
                        _claims: claims,
                    };
                }
                Err(error) => refusal = Some(error),
            }
            start = start.saturating_add(BLOCK);
        }
        let error = refusal.map(tracing::field::display);
        tracing::warn!(
            first,
            count,
            error,
            "cannot claim user ids for programs: other services may use the same"
        );
        Self {
            first,
            _claims: Vec::new(),
        }
    }

    /// The first of them.
    pub(crate) const fn first(&self) -> u32 {
        self.first
    }
}

fn claim_blocks(first: u32, count: u32) -> io::Result<Vec<UnixDatagram>> {
    let blocks = (0..count.div_ceil(BLOCK)).map(|block| first.saturating_add(block * BLOCK));
    let claim = |block| {
        let name = format!("coderun-user-ids-{block}");
        UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)
    };
    blocks.map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The ids below are no service's.

    #[test]
    fn two_services_have_no_id_in_common() {
        let first = UserIds::claim(40_000, 70);
        assert_eq!(first.first(), 40_000);
        let second = UserIds::claim(40_000, 10);
        assert_eq!(second.first(), 40_128);
        drop(first);
        assert_eq!(UserIds::claim(40_000, 128).first(), 40_000);
        assert_eq!(UserIds::claim(40_000, 129).first(), 40_192);
    }

    #[test]
    fn without_a_free_range_ids_are_shared() {
        let first = LAST - 99;
        let _held = UserIds::claim(first, 100);
        assert_eq!(UserIds::claim(first, 1).first(), first);
    }
}
