//! Runs the first process of a sandbox: it builds the sandbox from within, starts the program, reaps and reports.
//!
//! When it ends, the kernel kills every process that is left in its process namespace. So it never sends signals itself.

use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::Mode;
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    DumpableBehavior, Gid, Signal, Uid, WaitOptions, set_dumpable_behavior,
    set_parent_process_death_signal,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{UnshareFlags, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::artefact;
use super::clocks;
use super::files;
use super::host_proc::HostProc;
use super::kernel_calls::{self, CloneSide};
use super::machine_files::DescribedProcessors;
use super::payload;
use super::root;
use super::seccomp::Filter;
use super::step::{StepContext, StepError};
use crate::protocol::{INSIDE_ID, InitReport, ProgramEnd, StageSpec, encode};

/// What the launcher prepares once for all sandboxes.
#[derive(Debug)]
pub(super) struct Prepared {
    /// For the program.
    pub(super) filter: Filter,
    pub(super) processors: DescribedProcessors,
    /// The files in `/proc` that only root may read.
    pub(super) closed_files: Vec<String>,
    /// Those toolchains that each sandbox's own folder for temporary files would cover.
    pub(super) covered_toolchains: Vec<PathBuf>,
    pub(super) proc: HostProc,
}

/// The descriptors of the first process.
#[derive(Debug)]
pub(super) struct Descriptors {
    pub(super) spec: OwnedFd,
    pub(super) stdio: [OwnedFd; 3],
    pub(super) artefact_in: Option<OwnedFd>,
    pub(super) artefact_out: Option<OwnedFd>,
    pub(super) tasks: Vec<OwnedFd>,
    pub(super) lifeline: OwnedFd,
}

/// Runs as the first process until it ends.
pub(super) fn run(descriptors: Descriptors, report_pipe: &OwnedFd, prepared: &Prepared) -> ! {
    // Nothing of the machine is open afterwards.
    let report = set_up_by(&prepared.proc)
        .and_then(|()| descriptors.adopt(report_pipe))
        .and_then(|()| build_and_run(descriptors, prepared));
    let report = report.map_or_else(InitReport::from, InitReport::Ended);
    if let Ok(bytes) = encode(&report) {
        // The launcher notices a report that is missing.
        let _ = rustix::io::write(report_pipe, &bytes);
    }
    kernel_calls::exit_now(0)
}

impl Descriptors {
    /// Makes the program's streams those of this process, and closes every descriptor of the launcher.
    fn adopt(&self, report_pipe: &OwnedFd) -> Result<(), StepError> {
        let [stdin, stdout, stderr] = &self.stdio;
        dup2_stdin(stdin).step("set up stdin")?;
        dup2_stdout(stdout).step("set up stdout")?;
        dup2_stderr(stderr).step("set up stderr")?;
        let kept = [report_pipe, &self.spec, &self.lifeline]
            .into_iter()
            .chain(&self.stdio)
            .chain(&self.artefact_in)
            .chain(&self.artefact_out)
            .chain(&self.tasks);
        let kept = kept.map(|kept| kept.as_raw_fd().cast_unsigned()).collect();
        for gap in complement(kept) {
            kernel_calls::close_descriptors(*gap.start(), *gap.end()).step("close descriptors")?;
        }
        Ok(())
    }
}

/// All numbers above those of the streams, without these.
fn complement(mut kept: Vec<u32>) -> Vec<RangeInclusive<u32>> {
    kept.sort_unstable();
    let mut first = STREAMS;
    let mut gaps = Vec::new();
    for number in kept {
        if number > first {
            gaps.push(first..=number - 1);
        }
        first = first.max(number + 1);
    }
    gaps.push(first..=u32::MAX);
    gaps
}

/// The number of standard streams. The launcher has its own, so that no descriptor that it receives has such a number.
const STREAMS: u32 = 3;

/// Does what needs the machine's `/proc`.
fn set_up_by(proc: &HostProc) -> Result<(), StepError> {
    prefer_for_the_out_of_memory_killer(proc);
    clocks::restart_for_children(proc)
}

fn build_and_run(descriptors: Descriptors, prepared: &Prepared) -> Result<ProgramEnd, StepError> {
    let Descriptors {
        spec: contents,
        stdio,
        artefact_in,
        artefact_out,
        tasks,
        lifeline,
    } = descriptors;
    join_groups(&tasks)?;
    drop((stdio, tasks));
    payload::drop_bounding_set()?;
    let mut spec = files::read_header::<StageSpec>(&contents, "read the specification")?;

    // No step so far needs the ids, so that the launcher maps them meanwhile.
    wait_for_release(&lifeline)?;
    become_inside_user()?;
    die_with_parent(&lifeline)?;
    let files = prepared.processors.files(spec.limits.memory_bytes);
    if let (Some(name), Some(artefact)) = (&spec.artefact, &artefact_in) {
        // What was built is none of the files that the limit is about.
        let disk_bytes = artefact::disk_bytes(name, artefact)?;
        spec.limits.disk_bytes = spec.limits.disk_bytes.saturating_add(disk_bytes);
    }
    let own = root::mount_writable_folders(&spec.limits, &files, &prepared.covered_toolchains)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("hide the first process")?;
    // The rest is done while the program's process drops its privileges.
    let end = start_and_reap(&spec, &prepared.filter, || {
        root::mount_proc(&own, &files, &prepared.closed_files)?;
        // They are in memory, and closed once they are written.
        let (contents, artefact) = (contents, artefact_in);
        write_files(&spec, &contents, artefact.as_ref())
    })?;
    if let (Some(name), Some(artefact)) = (&spec.artefact, &artefact_out) {
        artefact::take_out(name, artefact, spec.limits.file_size_bytes)?;
    }
    Ok(end)
}

/// Writes the submitted files, and what an earlier stage has built; or makes the folder for what this one builds.
fn write_files(
    spec: &StageSpec,
    contents: &OwnedFd,
    artefact: Option<&OwnedFd>,
) -> Result<(), StepError> {
    let step = "write the submitted files";
    files::write_all(&spec.files, contents, Mode::from(0o644), step)?;
    match (artefact, &spec.artefact) {
        (Some(artefact), _) => artefact::bring_in(artefact),
        (None, Some(name)) => artefact::prepare(name),
        (None, None) => Ok(()),
    }
}

fn wait_for_release(lifeline: &OwnedFd) -> Result<(), StepError> {
    let mut byte = [0_u8];
    match retry_on_intr(|| rustix::io::read(lifeline, &mut byte)).step("wait for the launcher")? {
        0 => kernel_calls::exit_now(1),
        _ => die_with_parent(lifeline),
    }
}

/// Makes the kernel kill this process with the launcher. A change of user undoes it, so it must be called again after that.
fn die_with_parent(lifeline: &OwnedFd) -> Result<(), StepError> {
    set_parent_process_death_signal(Some(Signal::KILL)).step("set the parent death signal")?;
    let mut polled = [PollFd::new(lifeline, PollFlags::IN)];
    let ended = retry_on_intr(|| poll(&mut polled, Some(&Timespec::default())))
        .step("check the launcher")?;
    if ended > 0 {
        // The launcher died before the signal was set.
        kernel_calls::exit_now(1);
    }
    Ok(())
}

/// Joins the version 1 groups, then hides their paths.
///
/// Writing `0` to `tasks` moves the calling thread without the lock that stops the whole machine from forking, which
/// writing to `cgroup.procs` takes and which costs milliseconds.
fn join_groups(tasks: &[OwnedFd]) -> Result<(), StepError> {
    for tasks in tasks {
        retry_on_intr(|| rustix::io::write(tasks, b"0")).step("join a control group")?;
    }
    kernel_calls::new_namespaces(UnshareFlags::NEWCGROUP).step("create a control group namespace")
}

/// Makes the kernel choose this sandbox, never the service, when the machine runs out of memory.
fn prefer_for_the_out_of_memory_killer(proc: &HostProc) {
    // Best effort: where the file cannot be written, the limits of the group still hold.
    let _ = proc.write("self/oom_score_adj", "1000");
}

fn become_inside_user() -> Result<(), StepError> {
    match set_thread_groups(&[]) {
        // An ordinary user may not drop groups in its own namespace, where they grant nothing.
        Ok(()) | Err(Errno::PERM) => {}
        Err(errno) => return Err(errno).step("drop groups"),
    }
    let (user, group) = (Uid::from_raw(INSIDE_ID), Gid::from_raw(INSIDE_ID));
    set_thread_res_gid(group, group, group).step("become the sandbox's group")?;
    set_thread_res_uid(user, user, user).step("become the sandbox's user")
}

/// Clones the program's process, lets it begin after the last preparations, and reaps.
fn start_and_reap(
    spec: &StageSpec,
    filter: &Filter,
    prepare: impl FnOnce() -> Result<(), StepError>,
) -> Result<ProgramEnd, StepError> {
    let (errors, errors_writer) = pipe_with(PipeFlags::CLOEXEC).step("make a pipe")?;
    let (go, go_writer) = pipe_with(PipeFlags::CLOEXEC).step("make a pipe")?;
    let payload = match kernel_calls::clone_process(0, None).step("clone the program")? {
        CloneSide::Child => {
            drop(go_writer);
            payload::run(spec, filter, &errors_writer, &go)
        }
        CloneSide::Parent(pid, _) => pid.as_raw_nonzero().get(),
    };
    drop(errors_writer);
    // The program's streams must end when the program closes them, not when this process ends.
    kernel_calls::close_descriptors(0, 2).step("close the program's streams")?;
    prepare()?;
    let setup_cpu = clock_gettime(ClockId::ProcessCPUTime);
    let started = Instant::now();
    // It fails where the program's process has failed, which that tells.
    let _ = rustix::io::write(&go_writer, b"g");
    let landlock = payload::await_exec(errors)?;
    let mut end = reap_until_end_of(payload, started)?;
    end.setup_cpu = Duration::try_from(setup_cpu).unwrap_or_default();
    end.landlock = landlock;
    Ok(end)
}

/// Reaps every process that ends, until the program itself has ended.
fn reap_until_end_of(payload: i32, started: Instant) -> Result<ProgramEnd, StepError> {
    let (mut cpu, mut peak_bytes) = (Duration::ZERO, 0);
    while let Some(reaped) = kernel_calls::reap().step("wait for the program")? {
        cpu = cpu.saturating_add(reaped.cpu);
        peak_bytes = reaped.peak_bytes.max(peak_bytes);
        if reaped.pid == payload {
            return Ok(ProgramEnd {
                wait_status: reaped.wait_status,
                setup_cpu: Duration::ZERO,
                wall: started.elapsed(),
                cpu,
                peak_bytes,
                has_left_processes: rustix::process::wait(WaitOptions::NOHANG).is_ok(),
                landlock: false,
            });
        }
    }
    Err(Errno::CHILD).step("wait for the program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_descriptors_are_closed_but_the_streams_and_its_own() {
        assert_eq!(
            complement(vec![700, 5, 6]),
            [3..=4, 7..=699, 701..=u32::MAX]
        );
        assert_eq!(complement(vec![3, 4]), [5..=u32::MAX]);
    }
}
