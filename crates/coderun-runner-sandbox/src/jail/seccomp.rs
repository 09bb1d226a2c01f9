//! Filters the system calls that no program in a sandbox may make.
//!
//! The lists deny calls instead of allowing them: runtimes use new calls with every release, and most calls reach nothing
//! outside of the namespaces. Denied are calls that reach beyond namespaces, or that have been a way into the kernel.
//! Calls that are newer than the lists answer `ENOSYS`.

mod calls;
mod conditions;

use std::collections::BTreeMap;

use rustix::io::Errno;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::step::{StepContext, StepError};
#[cfg(target_arch = "x86_64")]
use calls::FORBIDDEN_ON_X86_64;
use calls::{ABSENT_EVERYWHERE, ABSENT_ON_THIS_ARCHITECTURE, BUILDING, FORBIDDEN};
use conditions::{any_bit, condition, differs_from_all, equal_to_any, none_of};

/// The filters for calls that neither the launcher nor anything that it starts needs.
///
/// Installing a filter costs time in proportion to its length. So most of the list is installed once, in the launcher,
/// from which every sandbox inherits it.
pub(super) fn of_launcher() -> Result<[Filter; 4], BackendError> {
    let mut first = architecture_guard();
    first.extend(filter(absent(), libc::ENOSYS)?);
    Ok([
        Filter(filter(forbidden()?, libc::EPERM)?),
        Filter(filter(without_page_cache()?, libc::EINVAL)?),
        Filter(filter(without_effect()?, 0)?),
        Filter(first),
    ])
}

/// The filter for calls that only building a sandbox needs. It is compiled once, and installed right before each program.
pub(super) fn of_program() -> Result<Filter, BackendError> {
    // Their flags are in memory, where no filter sees them: libraries fall back to `clone` and `openat`.
    let mut program = without_call(CLONE3);
    program.extend(without_call(OPENAT2));
    program.extend(filter(always(BUILDING), libc::EPERM)?);
    Ok(Filter(program))
}

/// The filter for where no control group counts memory, of which the service could not find all.
///
/// A file in memory that is no process's mapping is hidden from it: programs use a file in `/dev/shm` or `/tmp` instead, which
/// is counted. What sockets hold is estimated from their number.
pub(super) fn of_counted_program() -> Filter {
    let mut program = without_call(MEMFD_CREATE);
    program.extend(with_usual_socket_buffers());
    program.push(instruction(RETURN, 0, 0, ALLOW));
    Filter(program)
}

/// Ignores the sizes that a program wants for the buffers of a socket, as the kernel does beyond its own maximum.
fn with_usual_socket_buffers() -> BpfProgram {
    vec![
        instruction(LOAD, 0, 0, OFFSET_OF_NUMBER),
        instruction(JUMP_IF_EQUAL, 0, 6, SETSOCKOPT),
        instruction(LOAD, 0, 0, OFFSET_OF_ARGUMENTS + 8),
        instruction(JUMP_IF_EQUAL, 0, 4, SOL_SOCKET),
        instruction(LOAD, 0, 0, OFFSET_OF_ARGUMENTS + 16),
        instruction(JUMP_IF_EQUAL, 1, 0, SO_SNDBUF),
        instruction(JUMP_IF_EQUAL, 0, 1, SO_RCVBUF),
        instruction(RETURN, 0, 0, DONE),
    ]
}

/// A compiled filter.
#[derive(Debug)]
pub(super) struct Filter(BpfProgram);

impl Filter {
    /// Installs the filter for this process and all that it will start.
    pub(super) fn install(&self) -> Result<(), StepError> {
        apply_filter(&self.0)
            .map_err(|_| Errno::INVAL)
            .step("install the system call filter")
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Rules that match these calls with any arguments.
fn always(calls: impl IntoIterator<Item = i64>) -> Rules {
    calls
        .into_iter()
        .map(|number| (number, Vec::new()))
        .collect()
}

fn filter(rules: Rules, errno: i32) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno.unsigned_abs()),
        ARCHITECTURE,
    )?
    .try_into()
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: TargetArch = TargetArch::aarch64;

/// What the kernel calls this architecture in a filter.
#[cfg(target_arch = "x86_64")]
const AUDIT_ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCHITECTURE: u32 = 0xc000_00b7;

/// The newest call that was considered for the lists below.
const NEWEST_KNOWN: u32 = 462;

/// The first number of the x32 calls, which would slip past every number below.
const X32: u32 = 0x4000_0000;

/// Kills foreign architectures and x32 calls, and hides calls newer than the lists; the rest goes on to what follows.
///
/// Written by hand because `seccompiler` cannot compare the number of a call.
fn architecture_guard() -> BpfProgram {
    vec![
        instruction(LOAD, 0, 0, OFFSET_OF_ARCHITECTURE),
        instruction(JUMP_IF_EQUAL, 1, 0, AUDIT_ARCHITECTURE),
        instruction(RETURN, 0, 0, KILL_PROCESS),
        instruction(LOAD, 0, 0, OFFSET_OF_NUMBER),
        instruction(JUMP_IF_AT_LEAST, 0, 1, X32),
        instruction(RETURN, 0, 0, KILL_PROCESS),
        instruction(JUMP_IF_GREATER, 0, 1, NEWEST_KNOWN),
        instruction(RETURN, 0, 0, ABSENT),
    ]
}

/// Hides a call that an ordinary filter cannot: a filter of `seccompiler` has one answer for all calls that it denies.
fn without_call(number: u32) -> BpfProgram {
    vec![
        instruction(LOAD, 0, 0, OFFSET_OF_NUMBER),
        instruction(JUMP_IF_EQUAL, 0, 1, number),
        instruction(RETURN, 0, 0, ABSENT),
    ]
}

const fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_GREATER: u16 = 0x25;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const OFFSET_OF_NUMBER: u32 = 0;
const OFFSET_OF_ARCHITECTURE: u32 = 4;
/// Of eight bytes each, the low half first.
const OFFSET_OF_ARGUMENTS: u32 = 16;
const KILL_PROCESS: u32 = 0x8000_0000;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
/// The call is not made, and answers 0.
const DONE: u32 = ERRNO;
const ABSENT: u32 = ERRNO | libc::ENOSYS.unsigned_abs();
/// The same on all architectures.
const CLONE3: u32 = 435;
const OPENAT2: u32 = 437;
const SOL_SOCKET: u32 = 1;
const SO_SNDBUF: u32 = 7;
const SO_RCVBUF: u32 = 8;
#[cfg(target_arch = "x86_64")]
const MEMFD_CREATE: u32 = 319;
#[cfg(target_arch = "x86_64")]
const SETSOCKOPT: u32 = 54;
#[cfg(target_arch = "aarch64")]
const MEMFD_CREATE: u32 = 279;
#[cfg(target_arch = "aarch64")]
const SETSOCKOPT: u32 = 208;

fn absent() -> Rules {
    always(
        ABSENT_EVERYWHERE
            .into_iter()
            .chain(ABSENT_ON_THIS_ARCHITECTURE),
    )
}

/// Calls that a program must not make, in whole or with some arguments.
fn forbidden() -> Result<Rules, BackendError> {
    let mut rules = always(FORBIDDEN);
    #[cfg(target_arch = "x86_64")]
    rules.extend(always(FORBIDDEN_ON_X86_64));
    rules.insert(libc::SYS_clone, any_bit(0, NAMESPACE_FLAGS)?);
    rules.insert(libc::SYS_socket, sockets()?);
    // A family that is not known could make the kernel load a module, although only one has pairs.
    rules.insert(libc::SYS_socketpair, none_of(0, &[UNIX])?);
    rules.insert(libc::SYS_ioctl, equal_to_any(1, &[TIOCSTI, TIOCLINUX])?);
    rules.insert(libc::SYS_fcntl, equal_to_any(1, &[F_SETLEASE, F_NOTIFY])?);
    rules.insert(libc::SYS_mmap, any_bit(3, HUGE_PAGES_OF_MAPPING)?);
    rules.insert(libc::SYS_memfd_create, any_bit(1, HUGE_PAGES_OF_FILE)?);
    rules.insert(libc::SYS_personality, none_of(0, &PERSONALITIES)?);
    rules.insert(libc::SYS_seccomp, any_bit(1, NEW_LISTENER)?);
    for call in OF_OTHER_PROCESSES {
        rules.insert(call, equal_to_any(0, &[FIRST_PROCESS])?);
    }
    rules.insert(libc::SYS_sched_setscheduler, none_of(1, &SCHEDULERS)?);
    rules.insert(libc::SYS_prctl, equal_to_any(0, &[PR_SCHED_CORE])?);
    Ok(rules)
}

/// Reads and writes past the page cache, or only of it, which answer as on a file system that has none: a disk is slow, and the
/// kernel cannot end a process that waits for it; and what is in the cache tells which files other programs read.
fn without_page_cache() -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, any_bit(1, O_DIRECT)?);
    rules.insert(libc::SYS_openat, any_bit(2, O_DIRECT)?);
    let sets_flag = [
        condition(1, SeccompCmpOp::Eq, F_SETFL)?,
        condition(2, SeccompCmpOp::MaskedEq(O_DIRECT), O_DIRECT)?,
    ];
    rules.insert(libc::SYS_fcntl, vec![SeccompRule::new(sets_flag.to_vec())?]);
    rules.insert(libc::SYS_preadv2, any_bit(5, RWF_NOWAIT)?);
    Ok(rules)
}

/// Calls that succeed without effect.
///
/// - Giving up priority: where no group shares out the processors, a process without priority hardly runs beside others, and has
///   to run to end when it is killed.
/// - Writing all that the machine keeps for its disks: the program's own files are in memory, and it would wait for those of
///   others.
/// - Dropping a file's pages, by which programs could slow others down and tell each other what they read.
fn without_effect() -> Result<Rules, BackendError> {
    // Higher priorities, which are negative numbers, are left to the kernel to refuse.
    let lower = [
        condition(2, SeccompCmpOp::Ge, 1)?,
        condition(2, SeccompCmpOp::Le, i32::MAX as u64)?,
    ];
    let rules = vec![SeccompRule::new(lower.to_vec())?];
    let mut without_effect = always([libc::SYS_sync, libc::SYS_syncfs]);
    without_effect.insert(libc::SYS_setpriority, rules);
    let dropping = equal_to_any(3, &[POSIX_FADV_DONTNEED])?;
    without_effect.insert(libc::SYS_fadvise64, dropping);
    Ok(without_effect)
}

const NAMESPACE_FLAGS: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64
    | NEW_TIME_NAMESPACE;
const NEW_TIME_NAMESPACE: u64 = 0x80;
/// Injecting input into a terminal, and controlling a console.
const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;
/// Being notified or asked when another process opens a shared file.
const F_SETLEASE: u64 = 1024;
const F_NOTIFY: u64 = 1026;
/// Pages of a pool that the machine keeps for others, such as databases, and that no limit of memory counts.
const HUGE_PAGES_OF_MAPPING: u64 = 0x0004_0000;
const HUGE_PAGES_OF_FILE: u64 = 0x4;
/// The default, the default without address randomisation, and the query of the current value.
const PERSONALITIES: [u64; 3] = [0, 0x0004_0000, 0xffff_ffff];
/// Supervising the calls of children, which no program in a sandbox needs.
const NEW_LISTENER: u64 = 1 << 3;

/// Calls by which a process changes others of the same user. With a limit of CPU time the kernel would end the first process of
/// the sandbox, which signals from inside do not reach.
const OF_OTHER_PROCESSES: [i64; 2] = [libc::SYS_prlimit64, libc::SYS_sched_setaffinity];
const FIRST_PROCESS: u64 = 1;

/// The usual policy, with and without the flag that children do not inherit it. Of the others, those that are real-time need a
/// right, and a process with one of the rest hardly runs beside others.
const SCHEDULERS: [u64; 2] = [0, 0x4000_0000];
/// Having the sibling of a processor stand idle.
const PR_SCHED_CORE: u64 = 62;
const F_SETFL: u64 = 4;
const RWF_NOWAIT: u64 = 8;
const POSIX_FADV_DONTNEED: u64 = 4;
#[cfg(target_arch = "x86_64")]
const O_DIRECT: u64 = 0o40_000;
#[cfg(target_arch = "aarch64")]
const O_DIRECT: u64 = 0o200_000;

/// Matches all sockets but those that reach nothing except the program itself: unix sockets, TCP and UDP, and questions about
/// the network, by which the C library lists its interfaces. A protocol that is not here could make the kernel load a module.
fn sockets() -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = none_of(0, &[UNIX, INTERNET_4, INTERNET_6, NETLINK])?;
    let mut refuse = |family, refused: Vec<SeccompCondition>| {
        let family = condition(0, SeccompCmpOp::Eq, family)?;
        rules.push(SeccompRule::new([vec![family], refused].concat())?);
        Ok::<_, BackendError>(())
    };
    for family in [INTERNET_4, INTERNET_6] {
        refuse(family, differs_from_all(2, &[ANY_PROTOCOL, TCP, UDP])?)?;
        let kind = SeccompCmpOp::MaskedEq(SEQUENCED_OR_CONGESTED);
        refuse(family, vec![condition(1, kind, SEQUENCED_OR_CONGESTED)?])?;
    }
    refuse(NETLINK, differs_from_all(2, &[NETLINK_ROUTE])?)?;
    Ok(rules)
}

const UNIX: u64 = 1;
const INTERNET_4: u64 = 2;
const INTERNET_6: u64 = 10;
const NETLINK: u64 = 16;
const ANY_PROTOCOL: u64 = 0;
const TCP: u64 = 6;
const UDP: u64 = 17;
const NETLINK_ROUTE: u64 = 0;
/// The bit that the numbers of these two kinds share, `SOCK_SEQPACKET` and `SOCK_DCCP`, and no other kind has.
const SEQUENCED_OR_CONGESTED: u64 = 4;
