//! Wraps the system calls that have no safe wrapper. All `unsafe` code of this crate is here.

#![expect(
    unsafe_code,
    reason = "clone3, mount_setattr, kcmp, close_range, wait4 and SIOCSIFFLAGS have no safe wrapper"
)]

use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::io::{Errno, retry_on_intr};
use rustix::mount::MountAttrFlags;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use rustix::thread::UnshareFlags;

/// The side of a clone on which the caller is.
pub(super) enum CloneSide {
    /// The new process.
    Child,
    /// The old process, with the id of the new one and a descriptor for it.
    Parent(Pid, OwnedFd),
}

/// The end of a child, and what it and the children that it reaped have used.
pub(super) struct Reaped {
    pub(super) pid: i32,
    pub(super) wait_status: i32,
    pub(super) cpu: Duration,
    pub(super) peak_bytes: u64,
}

/// Clones this process, which must have one thread, into new namespaces and, where given, a version 2 control group.
///
/// The raw call is used on purpose: the C library's `fork` runs handlers and takes locks that mean nothing here.
pub(super) fn clone_process(
    namespaces: i32,
    cgroup: Option<BorrowedFd<'_>>,
) -> Result<CloneSide, Errno> {
    let mut pidfd: RawFd = -1;
    // SAFETY: all fields of `clone_args` are integers, for which zero is a value.
    let mut arguments: libc::clone_args = unsafe { mem::zeroed() };
    arguments.flags = unsigned(namespaces) | unsigned(libc::CLONE_PIDFD);
    arguments.pidfd = (&raw mut pidfd) as u64;
    arguments.exit_signal = unsigned(libc::SIGCHLD);
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = unsigned(cgroup.as_raw_fd());
    }
    // SAFETY: without CLONE_VM the child gets a copy of all memory and goes on with this stack; the process has one
    // thread, so no lock is held by another. `pidfd` outlives the call.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw mut arguments,
            size_of::<libc::clone_args>(),
        )
    };
    if pid < 0 {
        return Err(last_errno());
    }
    let pid = i32::try_from(pid).map_err(|_| Errno::RANGE)?;
    let Some(pid) = Pid::from_raw(pid) else {
        return Ok(CloneSide::Child);
    };
    // SAFETY: the kernel has just opened it for us.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(CloneSide::Parent(pid, pidfd))
}

/// Sets attributes of a mount and, with the flag `AT_RECURSIVE`, of all mounts below it.
pub(super) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    attributes: MountAttrFlags,
    flags: i32,
) -> Result<(), Errno> {
    let request = libc::mount_attr {
        attr_set: attributes.bits().into(),
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the path is a C string and the structure has the given size.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | flags,
            &raw const request,
            size_of::<libc::mount_attr>(),
        )
    };
    check(answer)
}

/// Whether two processes use the same memory, as after `vfork`; false where the kernel does not tell.
pub(crate) fn has_same_memory(first: i32, second: i32) -> bool {
    // SAFETY: comparing what two processes use touches no memory of this one.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, first, second, KCMP_VM, 0, 0) };
    order == 0
}

const KCMP_VM: i32 = 1;

/// Closes the descriptors from `first` to `last`.
///
/// A process that goes on afterwards must own none of them in a value.
pub(super) fn close_descriptors(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: closing descriptors touches no memory.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })
}

/// Makes the next `exec` close all descriptors from `first` on.
pub(super) fn close_on_exec(first: u32) -> Result<(), Errno> {
    // SAFETY: setting a flag of descriptors touches no memory.
    check(unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    })
}

/// Waits for any child to end; `None` when no child is left.
pub(super) fn reap() -> Result<Option<Reaped>, Errno> {
    loop {
        let mut wait_status = 0;
        // SAFETY: all fields of `rusage` are integers, for which zero is a value.
        let mut usage: libc::rusage = unsafe { mem::zeroed() };
        // SAFETY: both pointers are valid for the call.
        let pid = unsafe { libc::wait4(-1, &raw mut wait_status, 0, &raw mut usage) };
        if pid >= 0 {
            return Ok(Some(Reaped {
                pid,
                wait_status,
                cpu: duration(usage.ru_utime).saturating_add(duration(usage.ru_stime)),
                peak_bytes: u64::try_from(usage.ru_maxrss)
                    .unwrap_or(0)
                    .saturating_mul(1024),
            }));
        }
        match last_errno() {
            Errno::INTR => {}
            Errno::CHILD => return Ok(None),
            errno => return Err(errno),
        }
    }
}

/// Moves this process into new namespaces of these kinds, or, for processes and clocks, its later children.
pub(super) fn new_namespaces(kinds: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: the flags are of namespaces alone, so that neither shared descriptors nor memory change.
    unsafe { rustix::thread::unshare_unsafe(kinds) }
}

/// Makes this process, and its children until they reset it, ignore signals.
pub(super) fn ignore_signals<const COUNT: usize>(signals: [i32; COUNT]) {
    for signal in signals {
        // SAFETY: it installs no handler.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Starts the loopback device of the network that a socket belongs to.
pub(super) fn start_loopback(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: all fields of `ifreq` are integers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = IFF_UP;
    // SAFETY: the structure is valid for the call and has a name that ends with zero.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    check(answer.into())
}

const IFF_UP: libc::c_short = 1;

/// Resets every signal to its default action, whichever the service and its parents ignore.
pub(super) fn reset_signals() {
    for signal in 1..=SIGNAL_MAX {
        // SAFETY: it installs no handler. Signals that cannot be changed already have the default action.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

const SIGNAL_MAX: i32 = 64;

/// Ends this process at once, without the exit handlers of the service.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: it does not return and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Ends this process at once, and tells by its exit code how something went: for [`wait_for_success`].
pub(super) fn exit_with(result: Result<(), Errno>) -> ! {
    exit_now(result.map_or_else(Errno::raw_os_error, |()| 0))
}

/// Waits for a child that ends by [`exit_with`].
pub(super) fn wait_for_success(child: BorrowedFd<'_>) -> Result<(), Errno> {
    let ended = retry_on_intr(|| waitid(WaitId::PidFd(child), WaitIdOptions::EXITED))?;
    match ended.and_then(|status| status.exit_status()) {
        Some(0) => Ok(()),
        Some(errno) => Err(Errno::from_raw_os_error(errno)),
        None => Err(Errno::CHILD),
    }
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// The number with the same bits: flags and descriptors are not negative.
fn unsigned(number: i32) -> u64 {
    u64::from(number.cast_unsigned())
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros))
}

fn check(answer: libc::c_long) -> Result<(), Errno> {
    if answer < 0 {
        return Err(last_errno());
    }
    Ok(())
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
