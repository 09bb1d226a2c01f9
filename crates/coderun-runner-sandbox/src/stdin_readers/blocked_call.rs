//! Reads which descriptors a blocked thread waits for.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::StdinWait;

/// The most descriptors of one call that are looked at.
const DESCRIPTORS_MAX: usize = 1024;

/// The most of the kernel's description of an epoll that is read: a line for each of as many descriptors. A program can register
/// millions.
const EPOLL_TEXT_MAX_BYTES: u64 = 128 << 10;

/// The system call in which a thread is blocked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BlockedCall {
    number: libc::c_long,
    arguments: [u64; 5],
}

impl BlockedCall {
    /// Parses the kernel's description: number and arguments, or `running`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split_whitespace();
        let number = fields.next()?.parse().ok()?;
        let mut arguments = [0; 5];
        for argument in &mut arguments {
            let field = fields.next()?.strip_prefix("0x")?;
            *argument = u64::from_str_radix(field, 16).ok()?;
        }
        Some(Self { number, arguments })
    }

    /// The descriptors of which the thread waits until one is readable, and for how long; `None` if it waits for none.
    pub(super) fn awaited(&self, thread: &Path) -> Option<(Vec<u32>, StdinWait)> {
        let [first, second, third, fourth, fifth] = self.arguments;
        match self.number {
            libc::SYS_read | libc::SYS_readv => Some((vec![low_half(first)], StdinWait::Endless)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_poll => Some((polled(thread, first, second)?, by_milliseconds(third)?)),
            libc::SYS_ppoll => Some((polled(thread, first, second)?, by_pointer(third))),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_select => Some((selected(thread, first, second)?, by_pointer(fifth))),
            libc::SYS_pselect6 => Some((selected(thread, first, second)?, by_pointer(fifth))),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_epoll_wait => Some((registered(thread, first)?, by_milliseconds(fourth)?)),
            libc::SYS_epoll_pwait => Some((registered(thread, first)?, by_milliseconds(fourth)?)),
            libc::SYS_epoll_pwait2 => Some((registered(thread, first)?, by_pointer(fourth))),
            _ => None,
        }
    }
}

/// The kernel takes the lower half of the register for an `int`.
fn low_half(register: u64) -> u32 {
    u32::try_from(register & u64::from(u32::MAX)).unwrap_or_default()
}

/// The wait for a time in milliseconds, which is endless if it is negative; `None` if it is none.
fn by_milliseconds(register: u64) -> Option<StdinWait> {
    match low_half(register).cast_signed() {
        0 => None,
        1.. => Some(StdinWait::Timed),
        _ => Some(StdinWait::Endless),
    }
}

/// The wait for a time that is given by a pointer, which is endless if there is none.
const fn by_pointer(register: u64) -> StdinWait {
    if register == 0 {
        StdinWait::Endless
    } else {
        StdinWait::Timed
    }
}

/// Reads so many bytes of the thread's memory.
fn memory(thread: &Path, address: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let memory = File::open(thread.join("mem")).ok()?;
    memory.read_exact_at(&mut bytes, address).ok()?;
    Some(bytes)
}

/// The descriptors in an array for `poll` that are to be readable.
fn polled(thread: &Path, address: u64, count: u64) -> Option<Vec<u32>> {
    // A descriptor, and two words of bits: wanted and found.
    const ENTRY_BYTES: usize = 8;
    let count = usize::try_from(count).ok()?.min(DESCRIPTORS_MAX);
    let entries = memory(thread, address, count * ENTRY_BYTES)?;
    let descriptor = |entry: &[u8]| {
        let descriptor = i32::from_ne_bytes(*entry.first_chunk()?);
        let wanted = i16::from_ne_bytes(*entry.get(4..)?.first_chunk()?);
        (wanted & libc::POLLIN != 0).then(|| u32::try_from(descriptor).ok())?
    };
    Some(entries.chunks(ENTRY_BYTES).filter_map(descriptor).collect())
}

/// The descriptors in a set for `select`, which has a bit for each below `count`.
fn selected(thread: &Path, count: u64, address: u64) -> Option<Vec<u32>> {
    if address == 0 {
        return None;
    }
    let count = low_half(count).min(u32::try_from(DESCRIPTORS_MAX).ok()?);
    let set = memory(thread, address, usize::try_from(count.div_ceil(8)).ok()?)?;
    let is_in = |descriptor: &u32| {
        let byte = usize::try_from(descriptor / 8).ok();
        let byte = byte.and_then(|byte| set.get(byte));
        byte.is_some_and(|byte| byte >> (descriptor % 8) & 1 == 1)
    };
    Some((0..count).filter(is_in).collect())
}

/// The descriptors that are registered with an epoll to be readable.
fn registered(thread: &Path, epoll: u64) -> Option<Vec<u32>> {
    let file = File::open(thread.join(format!("fdinfo/{}", low_half(epoll)))).ok()?;
    let mut text = String::new();
    file.take(EPOLL_TEXT_MAX_BYTES)
        .read_to_string(&mut text)
        .ok()?;
    Some(
        text.lines()
            .filter_map(registered_reader)
            .take(DESCRIPTORS_MAX)
            .collect(),
    )
}

/// The descriptor in a line of the kernel's description of an epoll: `tfd: 0 events: 19 data: …`.
fn registered_reader(line: &str) -> Option<u32> {
    let mut fields = line.strip_prefix("tfd:")?.split_whitespace();
    let descriptor = fields.next()?.parse().ok()?;
    let events = (fields.next() == Some("events:")).then(|| fields.next())??;
    let events = u32::from_str_radix(events, 16).ok()?;
    (events & libc::EPOLLIN.cast_unsigned() != 0).then_some(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn awaited(text: &str) -> Option<(Vec<u32>, StdinWait)> {
        BlockedCall::parse(text)?.awaited(Path::new("/proc/thread-self"))
    }

    #[test]
    fn a_thread_that_reads_tells_from_which_descriptor() {
        let read = format!(
            "{} 0x3 0x7ffd 0x2000 0x0 0x0 0x0 0x7ffc 0x7f01\n",
            libc::SYS_read
        );
        assert_eq!(awaited(&read), Some((vec![3], StdinWait::Endless)));
        let readv = format!(
            "{} 0xdead00000000 0x7ffd 0x2 0x0 0x0 0x0 0x1 0x2",
            libc::SYS_readv
        );
        assert_eq!(awaited(&readv), Some((vec![0], StdinWait::Endless)));
    }

    #[test]
    fn a_thread_that_neither_reads_nor_polls_tells_no_descriptor() {
        let sleeps = format!(
            "{} 0x0 0x0 0x7ffd 0x0 0x0 0x0 0x1 0x2",
            libc::SYS_clock_nanosleep
        );
        for call in ["running\n", "-1 0x7ffc 0x7f01\n", "", "0", sleeps.as_str()] {
            assert_eq!(awaited(call), None, "{call}");
        }
    }

    #[test]
    fn a_thread_that_polls_tells_which_descriptors_are_to_be_readable_and_for_how_long() {
        let entry = |fd, events| libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        let entries = [
            entry(5, libc::POLLIN),
            entry(6, libc::POLLOUT),
            entry(-1, libc::POLLIN),
        ];
        let call = |timeout: u32| {
            let (number, address) = (libc::SYS_ppoll, entries.as_ptr().addr());
            format!("{number} {address:#x} 0x3 {timeout:#x} 0x0 0x8 0x0 0x1 0x2")
        };
        assert_eq!(awaited(&call(0)), Some((vec![5], StdinWait::Endless)));
        assert_eq!(awaited(&call(1)), Some((vec![5], StdinWait::Timed)));
    }

    #[test]
    fn a_thread_that_selects_tells_which_descriptors_are_to_be_readable() {
        let set: [u8; 2] = [0b0000_1001, 0b0000_0110];
        let (number, address) = (libc::SYS_pselect6, set.as_ptr().addr());
        let call = |set: usize| format!("{number} 0xa {set:#x} 0x0 0x0 0x0 0x0 0x1 0x2");
        assert_eq!(
            awaited(&call(address)),
            Some((vec![0, 3, 9], StdinWait::Endless))
        );
        assert_eq!(awaited(&call(0)), None, "it waits for none to be readable");
    }

    #[test]
    fn a_time_of_zero_is_no_wait_and_a_negative_one_is_endless() {
        assert_eq!(by_milliseconds(0), None);
        assert_eq!(by_milliseconds(7), Some(StdinWait::Timed));
        assert_eq!(by_milliseconds(0xffff_ffff), Some(StdinWait::Endless));
    }

    #[test]
    fn only_what_is_to_be_readable_is_awaited_by_an_epoll() {
        let line = "tfd:        0 events:       19 data:                0  pos:0 ino:6a sdev:e";
        assert_eq!(registered_reader(line), Some(0));
        let writes = "tfd:        1 events:        4 data:                1  pos:0 ino:6a sdev:e";
        for line in [writes, "pos:\t0", "tfd: x"] {
            assert_eq!(registered_reader(line), None, "{line}");
        }
    }
}
