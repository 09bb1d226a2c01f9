//! Runs the launcher: takes dispatches from the service, clones a sandbox for each and reports how it ended.
//!
//! It has one thread, no environment and no secrets. When its socket ends, it ends, and with it every sandbox: their
//! first processes die with their parent, and the kernel ends what is left in their namespaces.

mod messages;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{Shutdown, shutdown};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};
use rustix::system::sethostname;
use rustix::thread::UnshareFlags;

use super::host_proc::HostProc;
use super::init::{self, Descriptors, Prepared};
use super::kernel_calls::{self, CloneSide};
use super::machine_files::DescribedProcessors;
use super::network;
use super::proc;
use super::root;
use super::seccomp;
use super::shared_root;
use super::step::{StepContext, StepError};
use super::user_namespace;
use crate::protocol::{Dispatch, InitReport, LauncherMessage, MESSAGE_MAX_BYTES, decode};
use messages::{receive, refuse, send};

/// A sandbox that has not ended.
#[derive(Debug)]
struct Sandbox {
    /// The service asks for the kill by closing its end.
    socket: OwnedFd,
    process: FirstProcess,
    is_kill_requested: bool,
}

/// The first process of a sandbox.
#[derive(Debug)]
struct FirstProcess {
    pidfd: OwnedFd,
    report: OwnedFd,
    /// Open for as long as the launcher lives: the first process holds the other end.
    _lifeline: OwnedFd,
    /// Keeps the kernel from taking down the mounts, which takes long, before the service knows of the end.
    mounts: Option<OwnedFd>,
}

/// Serves the socket that is this process's stdin until it ends. Each program may use so many processors, and sees these
/// toolchains.
pub(crate) fn run(processors: usize, toolchains: &[PathBuf]) -> io::Result<()> {
    // A supervisor may send its signals to all processes of the service, which decides alone when programs end.
    kernel_calls::ignore_signals([libc::SIGTERM, libc::SIGINT, libc::SIGHUP]);
    kernel_calls::close_descriptors(3, u32::MAX)?;
    for filter in seccomp::of_launcher().map_err(io::Error::other)? {
        filter.install().map_err(io::Error::other)?;
    }
    match prepare(processors, toolchains) {
        Ok(prepared) => serve(&prepared),
        Err(error) => refuse_all(&error),
    }
}

/// Makes what all sandboxes begin with, and leaves the root of the machine.
fn prepare(processors: usize, toolchains: &[PathBuf]) -> Result<Prepared, StepError> {
    let proc = HostProc::open().step("open the process file system")?;
    let mut prepared = Prepared {
        filter: seccomp::of_program()
            .map_err(io::Error::other)
            .step("compile the filter of system calls")?,
        processors: DescribedProcessors::new(processors),
        closed_files: Vec::new(),
        covered_toolchains: root::covered(toolchains),
        proc,
    };
    let step = "create namespaces";
    match kernel_calls::new_namespaces(UnshareFlags::NEWNS) {
        Err(Errno::PERM) => {
            user_namespace::enter(&prepared.proc)?;
            kernel_calls::new_namespaces(UnshareFlags::NEWNS).step(step)?;
        }
        answer => answer.step(step)?,
    }
    shared_root::enter(toolchains, &prepared.processors.lists())?;
    prepared.closed_files = proc::closed_files();
    Ok(prepared)
}

/// Tells the service for each dispatch why there is no sandbox. It starts another launcher for the next, after whatever was
/// wrong may have been mended.
fn refuse_all(error: &StepError) -> io::Result<()> {
    while let Some((_, descriptors)) = receive()? {
        shutdown(rustix::stdio::stdin(), Shutdown::Read)?;
        if let Some(socket) = descriptors.get(1) {
            refuse(socket, error);
        }
    }
    Ok(())
}

/// Moves this process into new namespaces, which the next sandbox inherits, and no other. The kernel takes half a millisecond
/// for the network.
fn prepare_namespaces(proc: &HostProc) -> Result<(), StepError> {
    let kinds = UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    kernel_calls::new_namespaces(kinds).step("create namespaces")?;
    sethostname(b"sandbox").step("set the host name")?;
    network::set_up(proc)
}

fn serve(prepared: &Prepared) -> io::Result<()> {
    let mut namespaces = prepare_namespaces(&prepared.proc);
    let mut sandboxes: Vec<Sandbox> = Vec::new();
    let mut old_mounts: Vec<OwnedFd> = Vec::new();
    loop {
        let patience = (!old_mounts.is_empty()).then_some(MOUNTS_KEPT);
        let ready = wait_for_work(&sandboxes, patience)?;
        if !ready.contains(&true) {
            old_mounts.clear();
        }
        let mut ready = ready.into_iter();
        let mut is_ready = || ready.next().unwrap_or(false);
        let has_dispatch = is_ready();
        let mut killed = Ok(());
        sandboxes.retain_mut(|sandbox| {
            let (has_ended, wants_kill) = (is_ready(), is_ready());
            if wants_kill && !sandbox.is_kill_requested {
                sandbox.is_kill_requested = true;
                killed = killed.and(kill(sandbox));
            }
            let is_gone = has_ended && finish(sandbox);
            if is_gone {
                old_mounts.extend(sandbox.process.mounts.take());
            }
            !is_gone
        });
        killed?;
        if has_dispatch {
            let Some((dispatch, descriptors)) = receive()? else {
                return Ok(());
            };
            // What was wrong after the last dispatch may be long over.
            let namespaces_now = namespaces.or_else(|_| prepare_namespaces(&prepared.proc));
            sandboxes.extend(start(dispatch, descriptors, namespaces_now, prepared));
            // The launcher has time for both while the sandbox is being built.
            namespaces = prepare_namespaces(&prepared.proc);
            old_mounts.clear();
        }
    }
}

/// How long the mounts of sandboxes that ended are kept. To take them down blocks the launcher for a millisecond or more, in
/// which the next dispatch may come: so that is done once it has come, or when none comes soon.
const MOUNTS_KEPT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// Waits until a descriptor is ready, but no longer than given. Returns which are: the service's, then of each sandbox its
/// process and its socket.
fn wait_for_work(sandboxes: &[Sandbox], timeout: Option<Timespec>) -> io::Result<Vec<bool>> {
    let own = rustix::stdio::stdin();
    let mut polled = vec![PollFd::from_borrowed_fd(own, PollFlags::IN)];
    for sandbox in sandboxes {
        polled.push(PollFd::new(&sandbox.process.pidfd, PollFlags::IN));
        // A socket that has ended would be ready for ever.
        let wanted = if sandbox.is_kill_requested {
            &sandbox.process.pidfd
        } else {
            &sandbox.socket
        };
        polled.push(PollFd::new(wanted, PollFlags::IN));
    }
    retry_on_intr(|| poll(&mut polled, timeout.as_ref()))?;
    let ready = polled.iter().map(|entry| !entry.revents().is_empty());
    Ok(ready.collect())
}

/// Kills the first process of a sandbox, and so all of it, and tells the service that this launcher works.
fn kill(sandbox: &Sandbox) -> Result<(), Errno> {
    match pidfd_send_signal(&sandbox.process.pidfd, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(errno) => return Err(errno),
    }
    send(&sandbox.socket, &LauncherMessage::Killed);
    Ok(())
}

/// Reaps a sandbox and tells the service; returns whether it has ended.
fn finish(sandbox: &Sandbox) -> bool {
    let reaped = retry_on_intr(|| {
        waitid(
            WaitId::PidFd(sandbox.process.pidfd.as_fd()),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        )
    });
    if matches!(reaped, Ok(None)) {
        return false;
    }
    let ended = LauncherMessage::Ended {
        report: read_report(&sandbox.process.report),
        was_killed: reaped.is_ok_and(|status| status.is_some_and(|status| !status.exited())),
    };
    send(&sandbox.socket, &ended);
    true
}

fn read_report(pipe: &OwnedFd) -> Option<InitReport> {
    let mut buffer = [0_u8; MESSAGE_MAX_BYTES];
    let length = retry_on_intr(|| rustix::io::read(pipe, &mut buffer)).ok()?;
    decode(buffer.get(..length)?).ok()
}

/// Starts a sandbox, or sends the reason on its socket why it cannot.
fn start(
    dispatch: Dispatch,
    descriptors: Vec<OwnedFd>,
    namespaces: Result<(), StepError>,
    prepared: &Prepared,
) -> Option<Sandbox> {
    let mut descriptors = descriptors.into_iter();
    let spec = descriptors.next()?;
    let socket = descriptors.next()?;
    let cloned = namespaces.and_then(|()| clone_sandbox(dispatch, spec, descriptors, prepared));
    match cloned {
        Ok((pid, process)) => {
            let pid = pid.as_raw_nonzero().get();
            send(&socket, &LauncherMessage::Started { pid });
            Some(Sandbox {
                socket,
                process,
                is_kill_requested: false,
            })
        }
        Err(error) => {
            refuse(&socket, &error);
            None
        }
    }
}

fn clone_sandbox(
    dispatch: Dispatch,
    spec: OwnedFd,
    mut others: impl Iterator<Item = OwnedFd>,
    prepared: &Prepared,
) -> Result<(Pid, FirstProcess), StepError> {
    let mut next = || others.next().ok_or(Errno::BADF).step("find a descriptor");
    let stdio = [next()?, next()?, next()?];
    let artefact_in = dispatch.artefact_in.then(&mut next).transpose()?;
    let artefact_out = dispatch.artefact_out.then(&mut next).transpose()?;
    let cgroup = dispatch.cgroup.then(&mut next).transpose()?;
    let tasks = (0..dispatch.tasks_files)
        .map(|_| next())
        .collect::<Result<Vec<_>, _>>()?;
    let (report, report_writer) = pipe_with(PipeFlags::CLOEXEC).step("make a pipe")?;
    let (lifeline_reader, lifeline) = pipe_with(PipeFlags::CLOEXEC).step("make a pipe")?;
    let cloned = kernel_calls::clone_process(NAMESPACES, cgroup.as_ref().map(AsFd::as_fd));
    match cloned.step("create namespaces")? {
        CloneSide::Child => init::run(
            Descriptors {
                spec,
                stdio,
                artefact_in,
                artefact_out,
                tasks,
                lifeline: lifeline_reader,
            },
            &report_writer,
            prepared,
        ),
        CloneSide::Parent(pid, pidfd) => {
            user_namespace::map_ids(&prepared.proc, dispatch, pid)
                // The first process waits for the maps of its ids.
                .and_then(|()| rustix::io::write(&lifeline, b"g").step("let the sandbox go on"))
                .inspect_err(|_| kill_and_reap(&pidfd))?;
            let process = FirstProcess {
                pidfd,
                report,
                _lifeline: lifeline,
                mounts: mounts_of(&prepared.proc, pid),
            };
            Ok((pid, process))
        }
    }
}

/// All but those that are prepared, and that of control groups, which the first process creates when it has joined its groups.
const NAMESPACES: i32 = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID;

/// Keeps the mounts of a sandbox until this is dropped; `None` if it is dead already.
fn mounts_of(proc: &HostProc, pid: Pid) -> Option<OwnedFd> {
    proc.file(&format!("{}/ns/mnt", pid.as_raw_nonzero())).ok()
}

/// Kills and reaps a first process that cannot go on.
fn kill_and_reap(pidfd: &OwnedFd) {
    // Neither call can fail on a child of ours that is not reaped yet.
    let _ = pidfd_send_signal(pidfd, Signal::KILL);
    let _ = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED);
}
