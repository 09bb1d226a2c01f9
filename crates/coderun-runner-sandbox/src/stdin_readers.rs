//! Finds from outside whether a program waits for input.
//!
//! It finds threads that are blocked in a read of the pipe that is the sandbox's stdin, under any descriptor number, or in a
//! call that waits until this pipe is readable (`poll`, `select`, `epoll`, as Node does). It finds none where the kernel does
//! not let the service look. It never takes a thread that computes, sleeps or reads something else for one that waits.

mod blocked_call;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::fstat;

use crate::process_tree::children;
use crate::process_watch::thread_cpu;
use blocked_call::BlockedCall;

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

/// How a thread waits for stdin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StdinWait {
    /// Until there is input or a time has passed.
    Timed,
    /// Until there is input.
    Endless,
}

/// What a look at a program has found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StdinLook {
    pub(crate) wait: Option<StdinWait>,
    /// The CPU time that it took.
    pub(crate) cost: Duration,
}

/// Looks whether anything below the first process of a sandbox waits for this pipe. Blocks for as long as it takes to look at
/// a hundred threads: a millisecond or two. A program can make it more expensive, within a bound.
pub(crate) fn look(first_process: i32, stdin: PipeIdentity) -> StdinLook {
    let begun = thread_cpu();
    let cost = || thread_cpu().saturating_sub(begun);
    let wait = find_wait(first_process, stdin, || cost() > COST_MAX);
    StdinLook { wait, cost: cost() }
}

fn find_wait(
    first_process: i32,
    stdin: PipeIdentity,
    is_too_expensive: impl Fn() -> bool,
) -> Option<StdinWait> {
    let mut processes = VecDeque::from(children(first_process));
    let mut left = THREADS_MAX;
    let mut found = None;
    while let Some(pid) = processes.pop_front() {
        for thread in threads(pid).take(left) {
            left -= 1;
            found = found.max(wait_of(&thread, stdin));
            if found == Some(StdinWait::Endless) || is_too_expensive() {
                return found;
            }
        }
        if left == 0 {
            break;
        }
        processes.extend(children(pid));
    }
    found
}

/// The CPU time after which a look ends at the next thread. Looking at an epoll takes as long as the kernel needs to describe all
/// of it.
const COST_MAX: Duration = Duration::from_millis(10);

/// The most threads that are checked, which is more than interactive programs usually have.
const THREADS_MAX: usize = 128;

fn threads(pid: i32) -> impl Iterator<Item = PathBuf> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter();
    threads.flatten().flatten().map(|thread| thread.path())
}

fn wait_of(thread: &Path, stdin: PipeIdentity) -> Option<StdinWait> {
    let call = BlockedCall::parse(&fs::read_to_string(thread.join("syscall")).ok()?)?;
    let (descriptors, wait) = call.awaited(thread)?;
    let is_stdin = |descriptor: &u32| {
        let descriptor = thread.join(format!("fd/{descriptor}"));
        PipeIdentity::at(&descriptor).is_ok_and(|pipe| pipe == stdin)
    };
    descriptors.iter().any(is_stdin).then_some(wait)
}
