//! Gives a sandbox monotonic clocks that begin with it, so that they do not tell how long the machine has been running.

use rustix::io::Errno;
use rustix::thread::UnshareFlags;
use rustix::time::{ClockId, clock_gettime};

use super::host_proc::HostProc;
use super::kernel_calls;
use super::step::{StepContext, StepError};

/// Sets the clocks of this process's later children back to the start, where the kernel has time namespaces.
pub(super) fn restart_for_children(proc: &HostProc) -> Result<(), StepError> {
    match kernel_calls::new_namespaces(UnshareFlags::NEWTIME) {
        Err(Errno::INVAL) => return Ok(()),
        answer => answer.step("create a time namespace")?,
    }
    // The kernel refuses times before zero, and the fraction of a second stays.
    let back_to_one = |clock| 1 - clock_gettime(clock).tv_sec;
    let offsets = format!(
        "monotonic {} 0\nboottime {} 0\n",
        back_to_one(ClockId::Monotonic),
        back_to_one(ClockId::Boottime)
    );
    proc.write("self/timens_offsets", &offsets)
        .step("set the clocks")
}
