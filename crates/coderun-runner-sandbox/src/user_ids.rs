//! Claims a range of user ids, so that two services on a machine give no id to two programs.
//!
//! What the kernel counts for a user, such as the memory of pipes, programs with the same id would share. A claim is a name that
//! only one socket of a network namespace may have, and ends with the process; a file would need a folder that all services may
//! write to. So containers with networks of their own do not see each other's claims.

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

/// Services claim ids in blocks of this many, with a name for each block. A block begins at a multiple of this.
const BLOCK: u32 = 64;

/// What the names of blocks begin with.
const NAME: &str = "coderun-user-ids";

/// Above it are the ids that stand for no user, and those that a container may not have.
const LAST: u32 = 65_533;

impl UserIds {
    /// Claims so many ids, from `first` upwards or from the next block on that no other service has.
    ///
    /// Where none can be claimed, the ids from `first` on are shared with other services, and the log says so.
    pub(crate) fn claim(first: u32, count: u32) -> Self {
        Self::claim_as(NAME, first, count)
    }

    fn claim_as(name: &str, first: u32, count: u32) -> Self {
        let mut start = first;
        let mut refusal = None;
        while start.saturating_add(count.saturating_sub(1)) <= LAST {
            match claim_blocks(name, start, count) {
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

fn claim_blocks(name: &str, first: u32, count: u32) -> io::Result<Vec<UnixDatagram>> {
    let last = first.saturating_add(count.saturating_sub(1));
    let claim = |block| {
        let name = format!("{name}-{block}");
        UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)
    };
    (first / BLOCK..=last / BLOCK).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claims ids among those of one test, which no service and no other run of it sees.
    fn claim(test: &str, first: u32, count: u32) -> UserIds {
        UserIds::claim_as(&format!("{test}-{}", std::process::id()), first, count)
    }

    #[test]
    fn two_services_have_no_id_in_common() {
        let claim = |first, count| claim("in-common", first, count);
        let first = claim(40_000, 70);
        assert_eq!(first.first(), 40_000);
        let second = claim(40_000, 10);
        assert_eq!(second.first(), 40_128);
        drop(first);
        assert_eq!(claim(40_000, 128).first(), 40_000);
        assert_eq!(claim(40_000, 129).first(), 40_192);
    }

    #[test]
    fn ranges_that_begin_at_different_ids_do_not_overlap() {
        let claim = |first, count| claim("overlap", first, count);
        let first = claim(60_000, 20);
        assert_eq!(first.first(), 60_000);
        assert_eq!(claim(60_010, 20).first(), 60_074);
    }

    #[test]
    fn without_a_free_range_ids_are_shared() {
        let claim = |first, count| claim("shared", first, count);
        let first = LAST - 99;
        let _held = claim(first, 100);
        assert_eq!(claim(first, 1).first(), first);
    }
}
