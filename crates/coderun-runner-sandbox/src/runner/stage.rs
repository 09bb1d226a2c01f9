//! Starts one stage of a run, compiling or running, and makes sure that it ends.

use std::fs::File;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{Shutdown, shutdown};
use rustix::process::Signal;

use super::pipes::Pipes;
use super::plan::StagePlan;
use crate::cgroup::{Frozen, Group, GroupUsage, Groups, JoinDescriptors};
use crate::launcher_process::{Launcher, LauncherEnds, LauncherProcess, stage_socket};
use crate::process_tree::signal_all_below;
use crate::processors::{self, GivenProcessors, Processors};
use crate::protocol::{MESSAGE_MAX_BYTES, write_header};
use crate::slots::Slot;
use crate::user_ids::UserIds;

/// The parts of the sandbox that all stages share.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) launcher: LauncherProcess,
    pub(super) groups: Groups,
    /// The ids outside, one a slot; `None` where the service may only use its own.
    pub(super) ids: Option<UserIds>,
    pub(super) processors: Processors,
}

impl Machine {
    /// The id outside of a slot's user; `None` where the service may only use its own.
    pub(super) fn outside_id(&self, slot: &Slot) -> Option<u32> {
        let ids = self.ids.as_ref();
        ids.map(|ids| ids.first().saturating_add(slot.number))
    }

    /// How many processors a program can use at a time. It may choose others than it was given, unless a group bounds them.
    pub(super) fn usable_processors(&self) -> NonZero<u32> {
        if self.groups.version().is_some() && self.groups.no_shares_because().is_none() {
            self.processors.of_one_program()
        } else {
            processors::count()
        }
    }
}

/// A stage that was dispatched: the service's ends of its descriptors, and the guard that ends it.
#[derive(Debug)]
pub(super) struct StartedStage {
    pub(super) guard: StageGuard,
    pub(super) stdio: [OwnedFd; 3],
    pub(super) socket: OwnedFd,
    pub(super) artefact: Option<OwnedFd>,
}

/// Creates everything a stage needs and dispatches it. Blocks for about a millisecond.
pub(super) fn start(
    machine: &Machine,
    slot: &Arc<Slot>,
    mut plan: StagePlan,
) -> io::Result<StartedStage> {
    let limits = &mut plan.spec.limits;
    // The limit that is counted must be met first: the kernel does not report that this one was.
    limits.processes += PROCESSES_RESERVE;
    if machine.groups.version().is_none() {
        limits.data_bytes =
            Some(limits.memory_bytes.saturating_mul(DATA_FACTOR) + DATA_RESERVE_BYTES);
    }
    let processors = machine.processors.give();
    if let Some(processors) = &processors {
        plan.spec.processors = processors.numbers().to_vec();
    }
    let spec = write_spec(&plan)?;
    let pipes = Pipes::create(machine.outside_id(slot))?;
    let (socket, socket_inside) = stage_socket()?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    let artefact = plan
        .is_compilation
        .then(|| memfd_create("artefact", MemfdFlags::CLOEXEC))
        .transpose()?;
    let mut guard = StageGuard::new(StageResources {
        socket: socket.try_clone()?,
        group: machine.groups.create(&plan.limits)?,
        slot: Arc::clone(slot),
        _processors: processors,
        launcher: None,
    });
    let join_descriptors = guard.join_descriptors()?;
    let ends = LauncherEnds {
        spec,
        socket: socket_inside,
        stdio: pipes.inside,
        artefact_in: plan.artefact_in,
        artefact_out: artefact.as_ref().map(OwnedFd::try_clone).transpose()?,
        cgroup: join_descriptors.clone_target,
        tasks_files: join_descriptors.tasks_files,
    };
    let dispatch = ends.dispatch(machine.outside_id(slot));
    let launcher = machine.launcher.dispatch(&dispatch, &ends.descriptors())?;
    guard.set_launcher(launcher);
    Ok(StartedStage {
        guard,
        stdio: pipes.outside,
        socket,
        artefact,
    })
}

/// The processes that the limit of a sandbox's user allows beyond those that are counted.
const PROCESSES_RESERVE: u64 = 32;

/// Where no group counts memory, one process may reserve this many times the limit, and this much more. It bounds only what
/// can be taken between two looks: runtimes reserve much more than they use, a thread's stack for example, and a program
/// with larger arrays than that would not even start.
const DATA_FACTOR: u64 = 4;
const DATA_RESERVE_BYTES: u64 = 4 << 30;

/// Writes the specification and the contents into a file in memory.
fn write_spec(plan: &StagePlan) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("spec", MemfdFlags::CLOEXEC)?);
    write_header(&mut file, &plan.spec)?;
    for content in &plan.contents {
        file.write_all(content)?;
    }
    Ok(file.into())
}

/// Owns a running stage. When it is dropped, the stage is killed and cleaned up in the background.
#[derive(Debug)]
pub(super) struct StageGuard {
    /// `None` once the stage is cleaned up.
    resources: Option<StageResources>,
}

/// The resources that a stage occupies until it is gone.
#[derive(Debug)]
struct StageResources {
    socket: OwnedFd,
    group: Option<Box<dyn Group>>,
    /// Its user id must not be given to another program before.
    slot: Arc<Slot>,
    /// Others are rather given to the next program until this one is gone.
    _processors: Option<GivenProcessors>,
    /// Dropped last: the last stage of a launcher that was replaced ends it.
    launcher: Option<Arc<Launcher>>,
}

impl StageGuard {
    const fn new(resources: StageResources) -> Self {
        Self {
            resources: Some(resources),
        }
    }

    fn set_launcher(&mut self, launcher: Arc<Launcher>) {
        if let Some(resources) = &mut self.resources {
            resources.launcher = Some(launcher);
        }
    }

    /// The launcher that was asked for the stage.
    pub(super) fn launcher(&self) -> Option<&Arc<Launcher>> {
        self.resources.as_ref()?.launcher.as_ref()
    }

    fn group(&self) -> Option<&dyn Group> {
        self.resources.as_ref()?.group.as_deref()
    }

    fn join_descriptors(&self) -> io::Result<JoinDescriptors> {
        self.group()
            .map_or(Ok(JoinDescriptors::default()), Group::join_descriptors)
    }

    /// Kills everything in the stage. The launcher reports when it is gone.
    pub(super) fn kill(&self) {
        if let Some(resources) = &self.resources {
            resources.kill();
        }
    }

    /// Stops all its processes for a while, or lets them go on: by its group, or else by a signal to each below its first one.
    pub(super) async fn set_frozen(&self, frozen: Frozen, first_process: Option<i32>) {
        let by_group = self.group().is_some_and(|group| group.set_frozen(frozen));
        let signal = match frozen {
            Frozen::Yes => Signal::STOP,
            Frozen::No => Signal::CONT,
        };
        if !by_group && let Some(first_process) = first_process {
            let signalling = move || signal_all_below(first_process, signal);
            // It looks through all the processes, several times. It does not fail, unless the runtime ends.
            let _ = tokio::task::spawn_blocking(signalling).await;
        }
    }

    /// Whether a group counts what the stage uses.
    pub(super) fn is_counted(&self) -> bool {
        self.group().is_some()
    }

    /// What the stage has used so far.
    pub(super) fn usage(&self) -> GroupUsage {
        self.group().map(Group::usage).unwrap_or_default()
    }

    /// Whether the memory of its group is so full that the stage gets nowhere.
    pub(super) fn is_memory_exhausted(&self) -> bool {
        self.group().is_some_and(Group::is_memory_exhausted)
    }

    /// Cleans up after a stage that is gone. Blocks for less than a millisecond.
    pub(super) fn finish(mut self) {
        if let Some(resources) = self.resources.take()
            && let Err(error) = resources.remove_group()
        {
            log_group_left(&error);
        }
    }
}

impl Drop for StageGuard {
    fn drop(&mut self) {
        let Some(resources) = self.resources.take() else {
            return;
        };
        resources.kill();
        // No caller may wait for the end. There are never more such threads than slots.
        let spawned = thread::Builder::new()
            .name("sandbox-cleanup".to_owned())
            .spawn(move || resources.clean_up_after_end(END_DEADLINE));
        if let Err(error) = spawned {
            log_group_left(&error);
        }
    }
}

impl StageResources {
    fn kill(&self) {
        if let Some(group) = &self.group {
            group.kill();
        }
        // An error means that the launcher has closed its end: the stage is gone.
        let _ = shutdown(&self.socket, Shutdown::Write);
    }

    fn remove_group(&self) -> io::Result<()> {
        self.group.as_ref().map_or(Ok(()), |group| group.remove())
    }

    /// Waits until the stage is gone, and removes its groups. However long it takes, the slot is kept until then; when it takes
    /// longer than usual, the log and the health of the runner tell.
    fn clean_up_after_end(&self, usual: Duration) {
        let mut stuck = None;
        loop {
            match wait_for_end(&self.socket, usual).and_then(|()| self.remove_group()) {
                Ok(()) => break,
                Err(error) if is_not_gone(&error) => {
                    stuck.get_or_insert_with(|| {
                        tracing::error!(%error, slot = self.slot.number, "killed program has not ended and keeps its slot");
                        self.slot.mark_stuck()
                    });
                    self.kill();
                }
                Err(error) => {
                    log_group_left(&error);
                    break;
                }
            }
        }
        if stuck.is_some() {
            tracing::info!(slot = self.slot.number, "killed program has ended");
        }
    }
}

/// Whether this says that processes of the stage are left.
fn is_not_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::ResourceBusy
    )
}

fn log_group_left(error: &io::Error) {
    tracing::error!(%error, "control group is not removed before the next start");
}

/// Waits until the launcher closes a stage's socket, which it does when the stage is gone.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] if it is not gone in time.
fn wait_for_end(socket: &OwnedFd, longest: Duration) -> io::Result<()> {
    let deadline = Instant::now() + longest;
    let mut buffer = [0_u8; MESSAGE_MAX_BYTES];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut polled = [PollFd::new(socket, PollFlags::IN)];
        let timeout = Timespec::try_from(left).ok();
        if poll(&mut polled, timeout.as_ref()) == Ok(0) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match rustix::io::read(socket, &mut buffer) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Ok(length) if length > 0 => {}
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

/// The longest that a killed program may take to end. The kernel needs milliseconds.
pub(super) const END_DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
pub(super) mod tests;
