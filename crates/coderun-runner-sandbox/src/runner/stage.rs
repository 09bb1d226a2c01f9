//! One stage of a run, compiling or running: made, started, and certainly ended.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{Shutdown, shutdown};
use rustix::pipe::{PipeFlags, pipe_with};

use super::Machine;
use crate::cgroup::{Group, GroupLimits, GroupUsage, Means};
use crate::launcher_process::{LauncherEnds, stage_socket};
use crate::protocol::{MESSAGE_MAX_BYTES, Order, encode};
use crate::slots::Slot;

/// What a stage is made from.
#[derive(Debug)]
pub(super) struct StagePlan {
    pub(super) order: Order,
    /// The contents of the order's files, one after the other.
    pub(super) contents: Vec<bytes::Bytes>,
    pub(super) group: GroupLimits,
    pub(super) artefact_in: Option<OwnedFd>,
    /// Whether the order's artefact is to be taken out.
    pub(super) wants_artefact: bool,
}

/// A stage that was dispatched: the service's ends, and the guard that ends it.
#[derive(Debug)]
pub(super) struct StartedStage {
    pub(super) guard: StageGuard,
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) socket: OwnedFd,
    pub(super) artefact: Option<OwnedFd>,
}

/// Makes everything a stage needs and dispatches it. Blocks for about a millisecond.
pub(super) fn start(
    machine: &Machine,
    slot: &Arc<Slot>,
    mut plan: StagePlan,
) -> io::Result<StartedStage> {
    let limits = &mut plan.order.limits;
    match machine.groups.means() {
        Means::None => limits.data_bytes = Some(plan.group.memory_bytes),
        // The group's limit must be met first: only the group says that it was.
        Means::Version1 | Means::Version2 => limits.processes += PROCESSES_RESERVE,
    }
    let order = write_order(&plan)?;
    let (stdin, stdin_inside) = reversed(pipe_with(PipeFlags::CLOEXEC)?);
    let (stdout, stdout_inside) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, stderr_inside) = pipe_with(PipeFlags::CLOEXEC)?;
    let (socket, socket_inside) = stage_socket()?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    let artefact = plan
        .wants_artefact
        .then(|| memfd_create("artefact", MemfdFlags::CLOEXEC))
        .transpose()?;
    let guard = StageGuard {
        socket: Some(socket.try_clone()?),
        group: Some(machine.groups.create(&plan.group)?),
        slot: Arc::clone(slot),
    };
    let group = guard.group.as_ref().ok_or(io::ErrorKind::NotFound)?;
    let ends = LauncherEnds {
        order,
        socket: socket_inside,
        stdio: [stdin_inside, stdout_inside, stderr_inside],
        artefact_in: plan.artefact_in,
        artefact_out: artefact.as_ref().map(OwnedFd::try_clone).transpose()?,
        cgroup: group.born_into()?,
        tasks_files: group.tasks_files()?,
    };
    let dispatch = ends.dispatch(machine.outside_id(slot));
    machine.launcher.dispatch(&dispatch, &ends.descriptors())?;
    Ok(StartedStage {
        guard,
        stdin,
        stdout,
        stderr,
        socket,
        artefact,
    })
}

/// How much further than its group the limit of a sandbox's user is.
const PROCESSES_RESERVE: u64 = 32;

fn reversed<A, B>((first, second): (A, B)) -> (B, A) {
    (second, first)
}

/// Writes the order and the contents into a file in memory.
fn write_order(plan: &StagePlan) -> io::Result<OwnedFd> {
    let header = encode(&plan.order)?;
    let length = u32::try_from(header.len()).map_err(io::Error::other)?;
    let mut file = File::from(memfd_create("order", MemfdFlags::CLOEXEC)?);
    file.write_all(&length.to_le_bytes())?;
    file.write_all(&header)?;
    for content in &plan.contents {
        file.write_all(content)?;
    }
    Ok(file.into())
}

/// Holds a stage: as long as it is held, its group and its slot are; when it is dropped, the stage is killed.
#[derive(Debug)]
pub(super) struct StageGuard {
    /// Ends when everything is cleaned up.
    socket: Option<OwnedFd>,
    group: Option<Group>,
    slot: Arc<Slot>,
}

impl StageGuard {
    /// Kills everything in the stage. The launcher says when it is gone.
    pub(super) fn kill(&self) {
        if let Some(group) = &self.group {
            group.kill();
        }
        if let Some(socket) = &self.socket {
            // A socket that the launcher has left is one whose stage is gone.
            let _ = shutdown(socket, Shutdown::Write);
        }
    }

    /// What the stage has used so far.
    pub(super) fn usage(&self) -> GroupUsage {
        self.group.as_ref().map(Group::usage).unwrap_or_default()
    }

    /// Cleans up after a stage that is gone. Blocks for less than a millisecond.
    pub(super) fn finish(mut self) {
        self.socket = None;
        if let Some(group) = self.group.take() {
            remove(&group);
        }
    }
}

impl Drop for StageGuard {
    fn drop(&mut self) {
        let Some(group) = self.group.take() else {
            return;
        };
        let socket = self.socket.take();
        let leftover = Leftover {
            group,
            socket,
            _slot: Arc::clone(&self.slot),
        };
        leftover.kill();
        // Its end takes milliseconds, for which nobody here may wait. There are never more such threads than slots.
        let spawned = thread::Builder::new()
            .name("sandbox-cleanup".to_owned())
            .spawn(move || leftover.clean_up());
        if let Err(error) = spawned {
            tracing::error!(%error, "a control group stays until the next start");
        }
    }
}

/// A stage that nobody waits for any more.
struct Leftover {
    group: Group,
    socket: Option<OwnedFd>,
    /// Kept until the stage is gone: its user id must not be given to another before.
    _slot: Arc<Slot>,
}

impl Leftover {
    fn kill(&self) {
        self.group.kill();
        if let Some(socket) = &self.socket {
            // A socket that the launcher has left is one whose stage is gone.
            let _ = shutdown(socket, Shutdown::Write);
        }
    }

    fn clean_up(self) {
        if let Some(socket) = &self.socket {
            wait_for_end(socket);
        }
        remove(&self.group);
    }
}

fn remove(group: &Group) {
    if let Err(error) = group.remove() {
        tracing::error!(%error, "a control group stays until the next start");
    }
}

/// Waits until the launcher closes a stage's socket, which it does when the stage is gone.
fn wait_for_end(socket: &OwnedFd) {
    let deadline = Instant::now() + END_DEADLINE;
    let mut buffer = [0_u8; MESSAGE_MAX_BYTES];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut polled = [PollFd::new(socket, PollFlags::IN)];
        let timeout = Timespec::try_from(left).ok();
        if poll(&mut polled, timeout.as_ref()) == Ok(0) {
            break;
        }
        match rustix::io::read(socket, &mut buffer) {
            Ok(0) => return,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) | Ok(_) => {}
            Err(_) => return,
        }
    }
    tracing::error!("a program outlived its kill");
}

/// How long a program that was killed may take to be gone. The kernel needs milliseconds.
pub(super) const END_DEADLINE: Duration = Duration::from_secs(10);
