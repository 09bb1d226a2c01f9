//! Takes the last steps before the untrusted program: it drops all privileges and executes the program.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::Mode;
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, setsid, umask};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, CpuSet, clear_ambient_capability_set,
    remove_capability_from_bounding_set, sched_setaffinity, set_capabilities,
    set_capabilities_secure_bits, set_no_new_privs,
};

use super::kernel_calls;
use super::landlock;
use super::seccomp::{self, Filter};
use super::step::{StepContext, StepError};
use crate::protocol::{BOX, InitReport, KernelLimits, START_PROGRAM, StageSpec, decode, encode};

/// Executes the program as soon as it may begin, or writes why it cannot.
pub(super) fn run(spec: &StageSpec, filter: &Filter, errors: &OwnedFd, go: &OwnedFd) -> ! {
    let Err(error) = become_program(spec, filter, errors, go);
    if is_fault_of_built_program(spec, &error) {
        // Reported as a shell would.
        kernel_calls::exit_now(126);
    }
    if let Ok(bytes) = encode(&InitReport::from(error)) {
        // Without the text the first process still sees the code.
        let _ = rustix::io::write(errors, &bytes);
    }
    kernel_calls::exit_now(127)
}

/// Whether what was built is a file that the kernel cannot execute: no program, or one for a loader that is not there.
///
/// Tools are outside of `/box`: if one does not start, that is no fault of the program.
fn is_fault_of_built_program(spec: &StageSpec, error: &StepError) -> bool {
    // A name without a slash is that of a tool in the search path.
    let is_in_box =
        |path: &String| path.contains('/') && Path::new(BOX).join(path).starts_with(BOX);
    let is_built = spec.artefact.is_some() && spec.argv.first().is_some_and(is_in_box);
    let faults = [
        Errno::NOEXEC,
        Errno::NOENT,
        Errno::ACCESS,
        Errno::LIBBAD,
        Errno::LOOP,
        Errno::INVAL,
    ];
    is_built && error.step == START_PROGRAM && faults.contains(&error.errno)
}

/// The first byte on the pipe of errors when landlock is in force, and when it is not.
const WITH_LANDLOCK: u8 = b'+';
const WITHOUT_LANDLOCK: u8 = b'-';

/// Waits until the program has been started, and returns whether landlock is in force.
pub(super) fn await_exec(errors: OwnedFd) -> Result<bool, StepError> {
    let mut message = Vec::new();
    File::from(errors)
        .read_to_end(&mut message)
        .step("wait for the program to start")?;
    let (landlock, error) = match message.split_first() {
        Some((&WITH_LANDLOCK, error)) => (true, error),
        Some((&WITHOUT_LANDLOCK, error)) => (false, error),
        // Killed before it could write anything: its exit status is reported.
        Some(_) | None => (false, message.as_slice()),
    };
    if error.is_empty() {
        return Ok(landlock);
    }
    match decode(error) {
        Ok(InitReport::Failed { step, errno }) => Err(StepError {
            step: step.into(),
            errno: Errno::from_raw_os_error(errno),
        }),
        Ok(InitReport::Ended(_)) | Err(_) => Ok(landlock),
    }
}

fn become_program(
    spec: &StageSpec,
    filter: &Filter,
    errors: &OwnedFd,
    go: &OwnedFd,
) -> Result<Infallible, StepError> {
    setsid().step("start a session")?;
    kernel_calls::reset_signals();
    for signal in &spec.ignored_signals {
        kernel_calls::ignore_signals([*signal]);
    }
    umask(Mode::from(0o022));
    kernel_calls::close_on_exec(3).step("close descriptors")?;
    set_limits(&spec.limits)?;
    use_processors(&spec.processors)?;
    drop_privileges()?;
    let message = if landlock::restrict_self()? {
        WITH_LANDLOCK
    } else {
        WITHOUT_LANDLOCK
    };
    rustix::io::write(errors, &[message]).step("report on landlock")?;
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or(Errno::INVAL)
        .step("find the program")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)));
    filter.install()?;
    if spec.limits.data_bytes.is_some() {
        seccomp::of_counted_program().install()?;
    }
    match retry_on_intr(|| rustix::io::read(go, &mut [0_u8])).step("wait for the sandbox")? {
        // The first process could not complete the sandbox, and tells why.
        0 => kernel_calls::exit_now(1),
        _ => Err(command.exec()).step(START_PROGRAM),
    }
}

fn set_limits(limits: &KernelLimits) -> Result<(), StepError> {
    let same = |limit: u64| Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    let all = [
        (Resource::Core, same(0)),
        (Resource::Cpu, same(limits.cpu_seconds)),
        (Resource::Fsize, same(limits.file_size_bytes)),
        (Resource::Memlock, same(0)),
        (Resource::Msgqueue, same(0)),
        (Resource::Nice, same(0)),
        (Resource::Nofile, same(limits.open_files)),
        (Resource::Nproc, same(limits.processes)),
        (Resource::Rtprio, same(0)),
        (Resource::Sigpending, same(limits.processes)),
        (Resource::Stack, unlimited_stack()),
    ];
    for (resource, limit) in all {
        setrlimit(resource, limit).step("set a limit")?;
    }
    if let Some(data_bytes) = limits.data_bytes {
        setrlimit(Resource::Data, same(data_bytes)).step("set the limit of memory")?;
    }
    Ok(())
}

/// Keeps the program to these processors, so that it counts them alone, unless it asks for others by itself. It gets all where
/// the machine has taken these from the service meanwhile.
fn use_processors(numbers: &[usize]) -> Result<(), StepError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut given = CpuSet::new();
    for number in numbers {
        given.set(*number);
    }
    match sched_setaffinity(None, &given) {
        Err(Errno::INVAL) => Ok(()),
        chosen => chosen.step("choose processors"),
    }
}

/// The stack of the first thread may take all of the memory limit, which counts what is used of it.
///
/// Other threads get a stack of a size of its own then, two megabytes by the C library for x86-64 and aarch64. With any limit
/// they would get stacks as large as that, and reserve gigabytes.
fn unlimited_stack() -> Rlimit {
    let maximum = getrlimit(Resource::Stack).maximum;
    Rlimit {
        current: maximum,
        maximum,
    }
}

/// Keeps the program from gaining a capability by what it executes. It takes no capability from this process, and cannot be
/// undone.
pub(super) fn drop_bounding_set() -> Result<(), StepError> {
    for number in 0..CAPABILITIES_MAX {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // The first that this kernel does not know.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno).step("drop capabilities"),
        }
    }
    Ok(())
}

/// The upper bound of capability numbers: they are bits of 64.
const CAPABILITIES_MAX: u32 = 64;

/// Drops every capability, and every way to regain one but for the bounding set, which is empty already.
fn drop_privileges() -> Result<(), StepError> {
    let step = "drop capabilities";
    clear_ambient_capability_set().step(step)?;
    let locked = CapabilitiesSecureBits::NO_ROOT
        | CapabilitiesSecureBits::NO_ROOT_LOCKED
        | CapabilitiesSecureBits::NO_SETUID_FIXUP
        | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
        | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
    set_capabilities_secure_bits(locked).step(step)?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).step(step)?;
    set_no_new_privs(true).step("give up new privileges")
}

#[cfg(test)]
mod tests {
    use rustix::thread::sched_getaffinity;

    use super::*;

    #[test]
    fn a_program_whose_processors_are_gone_gets_all() {
        let all = sched_getaffinity(None).unwrap();
        let is_gone = |number: &usize| !all.is_set(*number);
        let gone = (0..CpuSet::MAX_CPU).rev().find(is_gone).unwrap();
        use_processors(&[gone]).unwrap();
        assert_eq!(sched_getaffinity(None).unwrap(), all);
    }
}
