//! Finds from outside whether a program waits for input.
//!
//! It finds threads that are blocked in a read of the pipe that is the sandbox's stdin, under any descriptor number. It does
//! not find programs that first ask whether there is something to read (`poll`, `select`, `epoll`, as Node does), nor any
//! where the kernel does not let the service look. It never takes a thread that computes, sleeps or reads something else
//! for one that waits.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::fstat;

use crate::process_tree::children;

/// A pipe, the same at both of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PipeIdentity {
    device: u64,
    inode: u64,
}

impl PipeIdentity {
    /// The pipe behind a descriptor.
    pub(crate) fn of(end: impl AsFd) -> io::Result<Self> {
        let status = fstat(end)?;
        Ok(Self {
            device: status.st_dev,
            inode: status.st_ino,
        })
    }

    /// The pipe behind a descriptor of another process.
    fn at(descriptor: &Path) -> io::Result<Self> {
        let status = fs::metadata(descriptor)?;
        Ok(Self {
            device: status.dev(),
            inode: status.ino(),
        })
    }
}

/// Whether anything below the first process of a sandbox is blocked in reading from this pipe. Blocks for as long as it
/// takes to look at a hundred threads, a millisecond or two.
pub(crate) fn is_any_waiting(first_process: i32, stdin: PipeIdentity) -> bool {
    let mut processes = VecDeque::from(children(first_process));
    let mut left = THREADS_MAX;
    while let Some(pid) = processes.pop_front() {
        for thread in threads(pid).take(left) {
            left -= 1;
            if is_waiting(&thread, stdin) {
                return true;
            }
        }
        if left == 0 {
            break;
        }
        processes.extend(children(pid));
    }
    false
}

/// The most threads that are checked, which is more than interactive programs usually have.
const THREADS_MAX: usize = 128;

fn threads(pid: i32) -> impl Iterator<Item = PathBuf> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter();
    threads.flatten().flatten().map(|thread| thread.path())
}

fn is_waiting(thread: &Path, stdin: PipeIdentity) -> bool {
    let Ok(call) = fs::read_to_string(thread.join("syscall")) else {
        return false;
    };
    let Some(descriptor) = read_from(&call) else {
        return false;
    };
    let descriptor = thread.join(format!("fd/{descriptor}"));
    PipeIdentity::at(&descriptor).is_ok_and(|pipe| pipe == stdin)
}

/// The descriptor that a thread is blocked in reading, by the kernel's description of its system call: number and
/// arguments, or `running`.
fn read_from(call: &str) -> Option<u32> {
    let mut fields = call.split_whitespace();
    let number: libc::c_long = fields.next()?.parse().ok()?;
    if ![libc::SYS_read, libc::SYS_readv].contains(&number) {
        return None;
    }
    let argument = u64::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok()?;
    // The kernel takes the lower half of the register.
    u32::try_from(argument & u64::from(u32::MAX)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_reads_tells_from_which_descriptor() {
        let read = format!(
            "{} 0x3 0x7ffd 0x2000 0x0 0x0 0x0 0x7ffc 0x7f01\n",
            libc::SYS_read
        );
        assert_eq!(read_from(&read), Some(3));
        let readv = format!(
            "{} 0xdead00000000 0x7ffd 0x2 0x0 0x0 0x0 0x1 0x2",
            libc::SYS_readv
        );
        assert_eq!(read_from(&readv), Some(0));
    }

    #[test]
    fn a_thread_that_does_not_read_tells_no_descriptor() {
        let sleeps = format!(
            "{} 0x0 0x0 0x7ffd 0x0 0x0 0x0 0x1 0x2",
            libc::SYS_clock_nanosleep
        );
        for call in ["running\n", "-1 0x7ffc 0x7f01\n", "", "0", sleeps.as_str()] {
            assert_eq!(read_from(call), None, "{call}");
        }
    }
}
