//! The first process of a sandbox: builds it from within, starts the program, reaps everything, reports.
//!
//! When it ends, the kernel kills what is left in its process namespace. So it never signals anything itself.

use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    DumpableBehavior, Gid, Signal, Uid, set_dumpable_behavior, set_parent_process_death_signal,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::files;
use super::kernel_calls::{self, Cloned};
use super::payload;
use super::root::Sources;
use super::seccomp::Filter;
use super::step::{Named, StepError};
use crate::protocol::{Done, INSIDE_ID, InitReport, Order, encode};

/// What the first process holds.
#[derive(Debug)]
pub(super) struct Descriptors {
    pub(super) order: OwnedFd,
    pub(super) stdio: [OwnedFd; 3],
    pub(super) artefact_in: Option<OwnedFd>,
    pub(super) artefact_out: Option<OwnedFd>,
    pub(super) tasks: Vec<OwnedFd>,
    pub(super) lifeline: OwnedFd,
}

/// Is the first process until it ends.
pub(super) fn run(descriptors: Descriptors, report_pipe: &OwnedFd, filter: &Filter) -> ! {
    let report = descriptors
        .take_over(report_pipe)
        .and_then(|()| live(descriptors, filter));
    let report = report.map_or_else(InitReport::from, InitReport::Done);
    if let Ok(bytes) = encode(&report) {
        // The launcher notices a report that is missing.
        let _ = rustix::io::write(report_pipe, &bytes);
    }
    kernel_calls::exit_now(0)
}

impl Descriptors {
    /// Makes the program's streams those of this process, and closes all that belongs to the launcher.
    fn take_over(&self, report_pipe: &OwnedFd) -> Result<(), StepError> {
        let [stdin, stdout, stderr] = &self.stdio;
        dup2_stdin(stdin).named("set up stdin")?;
        dup2_stdout(stdout).named("set up stdout")?;
        dup2_stderr(stderr).named("set up stderr")?;
        let own = [report_pipe, &self.order, &self.lifeline]
            .into_iter()
            .chain(&self.stdio)
            .chain(&self.artefact_in)
            .chain(&self.artefact_out)
            .chain(&self.tasks);
        let own = own.map(|own| own.as_raw_fd().cast_unsigned()).collect();
        for others in all_but(own) {
            kernel_calls::close_descriptors(*others.start(), *others.end())
                .named("close descriptors")?;
        }
        Ok(())
    }
}

/// All numbers above those of the streams, but for these.
fn all_but(mut own: Vec<u32>) -> Vec<RangeInclusive<u32>> {
    own.sort_unstable();
    let mut first = STREAMS;
    let mut others = Vec::new();
    for number in own {
        if number > first {
            others.push(first..=number - 1);
        }
        first = first.max(number + 1);
    }
    others.push(first..=u32::MAX);
    others
}

/// How many streams a program has; the launcher's own have the same numbers, so that what it receives never has.
const STREAMS: u32 = 3;

fn live(descriptors: Descriptors, filter: &Filter) -> Result<Done, StepError> {
    join_groups(&descriptors.tasks)?;
    drop(descriptors.stdio);
    prefer_for_the_out_of_memory_killer();
    rustix::system::sethostname(b"sandbox").named("set the host name")?;
    payload::drop_bounding_set()?;
    let order = files::read_order(&descriptors.order)?;
    // Opened as the service's user: a toolchain may lie where the sandbox's user must not look.
    let sources = Sources::open(&order.visible)?;

    // Up to here no id is needed, and the launcher has had time to map them.
    wait_to_go(&descriptors.lifeline)?;
    become_inside_user()?;
    die_with_parent(&descriptors.lifeline)?;
    sources.build(&order.limits)?;
    files::write_all(&order, &descriptors.order)?;
    if let (Some(name), Some(artefact)) = (&order.artefact, &descriptors.artefact_in) {
        files::bring_in(name, artefact)?;
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).named("hide the first process")?;
    let done = start_and_reap(&order, filter)?;
    if let (Some(name), Some(artefact)) = (&order.artefact, &descriptors.artefact_out) {
        files::bring_out(name, artefact, order.limits.disk_bytes)?;
    }
    Ok(done)
}

fn wait_to_go(lifeline: &OwnedFd) -> Result<(), StepError> {
    let mut byte = [0_u8];
    match retry_on_intr(|| rustix::io::read(lifeline, &mut byte)).named("wait for the launcher")? {
        0 => kernel_calls::exit_now(1),
        _ => die_with_parent(lifeline),
    }
}

/// Dies with the launcher. To be called again after every change of user, which undoes it.
fn die_with_parent(lifeline: &OwnedFd) -> Result<(), StepError> {
    set_parent_process_death_signal(Some(Signal::KILL)).named("be killed with the launcher")?;
    let mut polled = [PollFd::new(lifeline, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let ended = retry_on_intr(|| poll(&mut polled, Some(&now))).named("look at the launcher")?;
    if ended > 0 {
        // It died before the signal was asked for.
        kernel_calls::exit_now(1);
    }
    Ok(())
}

/// Joins the version 1 groups, then hides where they are.
///
/// Writing `0` to `tasks` moves the calling thread without the lock that stops the whole machine from forking, which
/// writing to `cgroup.procs` takes and which costs milliseconds.
fn join_groups(tasks: &[OwnedFd]) -> Result<(), StepError> {
    for tasks in tasks {
        retry_on_intr(|| rustix::io::write(tasks, b"0")).named("join a control group")?;
    }
    kernel_calls::new_cgroup_namespace().named("create a control group namespace")
}

/// Makes the kernel choose this sandbox, never the service, when the machine runs out of memory.
fn prefer_for_the_out_of_memory_killer() {
    // Best effort: where the file cannot be written, the limits of the group still hold.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

fn become_inside_user() -> Result<(), StepError> {
    match set_thread_groups(&[]) {
        // An ordinary user may not drop groups in its own namespace: they give nothing there.
        Ok(()) | Err(Errno::PERM) => {}
        Err(errno) => return Err(errno).named("drop groups"),
    }
    let (user, group) = (Uid::from_raw(INSIDE_ID), Gid::from_raw(INSIDE_ID));
    set_thread_res_gid(group, group, group).named("become the sandbox's group")?;
    set_thread_res_uid(user, user, user).named("become the sandbox's user")
}

fn start_and_reap(order: &Order, filter: &Filter) -> Result<Done, StepError> {
    let (errors, errors_writer) = pipe_with(PipeFlags::CLOEXEC).named("make a pipe")?;
    let setup_cpu = clock_gettime(ClockId::ProcessCPUTime);
    let started = Instant::now();
    let payload = match kernel_calls::clone_process(0, None).named("clone the program")? {
        Cloned::Child => payload::run(order, filter, &errors_writer),
        Cloned::Parent(pid, _) => pid.as_raw_nonzero().get(),
    };
    drop(errors_writer);
    // The program's streams end when the program closes them, not when this process ends.
    kernel_calls::close_descriptors(0, 2).named("close the program's streams")?;
    let landlock = payload::await_exec(&errors)?;
    let mut done = reap_until_end_of(payload, started)?;
    done.setup_cpu_ns = nanos(Duration::try_from(setup_cpu).unwrap_or_default());
    done.landlock = landlock;
    Ok(done)
}

/// Reaps whatever ends until the program itself has.
fn reap_until_end_of(payload: i32, started: Instant) -> Result<Done, StepError> {
    let (mut cpu, mut peak_bytes) = (Duration::ZERO, 0);
    while let Some(reaped) = kernel_calls::reap().named("wait for the program")? {
        cpu = cpu.saturating_add(reaped.cpu);
        peak_bytes = reaped.peak_bytes.max(peak_bytes);
        if reaped.pid == payload {
            return Ok(Done {
                wait_status: reaped.wait_status,
                setup_cpu_ns: 0,
                wall_ns: nanos(started.elapsed()),
                cpu_ns: nanos(cpu),
                peak_bytes,
                landlock: false,
            });
        }
    }
    Err(Errno::CHILD).named("wait for the program")
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_descriptors_but_the_own_and_the_streams_are_closed_however_high_they_are() {
        assert_eq!(all_but(vec![700, 5, 6]), [3..=4, 7..=699, 701..=u32::MAX]);
        assert_eq!(all_but(vec![3, 4]), [5..=u32::MAX]);
    }
}
