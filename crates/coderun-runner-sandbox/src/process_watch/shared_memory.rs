//! Finds the shared memory that no file holds, by the mappings of the processes that use it.
//!
//! Such memory lives for as long as a mapping of it, whatever of it is mapped, and resident figures show only what a process
//! has touched through its own mapping. So each object counts as the greatest extent that was ever seen of it. An object
//! that was made smaller before it was seen hides what it was; many of them count more than is seen.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

/// The shared memory of one sandbox.
#[derive(Debug, Default)]
pub(super) struct SharedMemory {
    /// The greatest extent of each object that is still mapped, by its inode.
    extents: HashMap<u64, u64>,
}

impl SharedMemory {
    /// Adds up the shared memory of these processes. Reading a mapping takes about a microsecond.
    pub(super) fn measure(&mut self, pids: impl Iterator<Item = i32>) -> u64 {
        let mut seen = HashMap::new();
        let mut left = MAPS_MAX_BYTES;
        for pid in pids {
            let Ok(maps) = read_maps(pid, left) else {
                // It has ended meanwhile.
                continue;
            };
            left = left.saturating_sub(maps.len());
            for (inode, extent) in maps.split(|byte| *byte == b'\n').filter_map(shared_object) {
                let seen = seen.entry(inode).or_insert(0);
                *seen = extent.max(*seen);
            }
        }
        if left == 0 {
            // Not all of it was read: no honest program has that many mappings.
            return u64::MAX;
        }
        self.replace(seen)
    }

    fn replace(&mut self, mut seen: HashMap<u64, u64>) -> u64 {
        for (inode, extent) in &mut seen {
            let before = self.extents.get(inode).copied().unwrap_or(0);
            *extent = before.max(*extent);
        }
        self.extents = seen;
        let mut extents: Vec<u64> = self.extents.values().copied().collect();
        extents.sort_unstable_by(|a, b| b.cmp(a));
        let counted = extents.into_iter().enumerate().map(|(rank, extent)| {
            if rank < OBJECTS_AS_SEEN {
                extent
            } else {
                extent.max(OBJECT_MIN_BYTES)
            }
        });
        counted.fold(0, u64::saturating_add)
    }
}

/// The most bytes of all lists of mappings that are read at a time: some forty thousand mappings.
const MAPS_MAX_BYTES: usize = 4 << 20;

/// The number of objects that count as what was seen of them, which is more than honest programs have; every other one
/// counts at least so much, which is about what can be filled and hidden between two looks.
const OBJECTS_AS_SEEN: usize = 16;
const OBJECT_MIN_BYTES: u64 = 16 << 20;

fn read_maps(pid: i32, limit: usize) -> io::Result<Vec<u8>> {
    let mut maps = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    File::open(format!("/proc/{pid}/maps"))?
        .take(limit)
        .read_to_end(&mut maps)?;
    Ok(maps)
}

/// The inode and the extent of the object behind a line of `maps`; `None` if it is no shared memory without a file.
fn shared_object(line: &[u8]) -> Option<(u64, u64)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut fields = line.split_ascii_whitespace();
    let (first, last) = fields.next()?.split_once('-')?;
    let (_attributes, offset) = (fields.next()?, fields.next()?);
    let (_device, inode, name) = (fields.next()?, fields.next()?, fields.next()?);
    if !NAMES.iter().any(|start| name.starts_with(start)) {
        return None;
    }
    let number = |text| u64::from_str_radix(text, 16).ok();
    let length = number(last)?.checked_sub(number(first)?)?;
    Some((inode.parse().ok()?, number(offset)?.saturating_add(length)))
}

/// How the kernel names shared memory without a file. Of `/dev/zero` a private mapping is none, and has no inode of its own.
const NAMES: [&str; 3] = ["/dev/zero", "/memfd:", "/SYSV"];

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &[u8] =
        b"7f8908817000-7f890ba17000 rw-s 00000000 00:01 1025                       /dev/zero (deleted)";

    #[test]
    fn an_object_is_as_large_as_the_end_of_its_last_mapping() {
        assert_eq!(shared_object(OBJECT), Some((1025, 50 << 20)));
        let second_half = b"7f8908817000-7f8908818000 rw-s 00100000 00:01 7 /memfd:x (deleted)";
        assert_eq!(shared_object(second_half), Some((7, (1 << 20) + 4096)));
    }

    #[test]
    fn files_and_private_memory_are_no_objects() {
        for line in [
            &b"7f8908817000-7f890ba17000 rw-s 00000000 00:33 5 /dev/shm/psm_1"[..],
            b"7f8908817000-7f890ba17000 rw-p 00000000 00:00 0 ",
            b"7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0    [stack]",
            b"",
        ] {
            assert_eq!(shared_object(line), None);
        }
    }

    #[test]
    fn an_object_that_shrinks_counts_as_before_until_it_is_gone() {
        let mut shared = SharedMemory::default();
        assert_eq!(shared.replace(HashMap::from([(1, 500)])), 500);
        assert_eq!(shared.replace(HashMap::from([(1, 4), (2, 30)])), 530);
        assert_eq!(shared.replace(HashMap::from([(2, 30)])), 30);
    }

    #[test]
    fn many_small_objects_count_more_than_is_seen_of_them() {
        let mut shared = SharedMemory::default();
        let objects = |count| (0..count).map(|inode| (inode, 4096)).collect();
        assert_eq!(shared.replace(objects(16)), 16 * 4096);
        assert_eq!(
            shared.replace(objects(18)),
            16 * 4096 + 2 * OBJECT_MIN_BYTES
        );
    }
}
