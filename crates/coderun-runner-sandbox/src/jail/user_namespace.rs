//! Maps the ids of user namespaces: that of each sandbox, and that of a launcher which may not mount anything without one.

use std::fmt::Write;
use std::fs;
use std::os::fd::AsFd;

use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, getegid, geteuid, getpid};
use rustix::thread::UnshareFlags;

use super::host_proc::HostProc;
use super::kernel_calls::{self, CloneSide};
use super::step::{StepContext, StepError};
use crate::protocol::{Dispatch, INSIDE_ID, MAP_USERS};

/// Enters a new user namespace, in which all ids that this process may use keep their numbers.
///
/// A child that stays outside writes the maps, since root maps more than its own id, which takes capabilities outside.
pub(super) fn enter(proc: &HostProc) -> Result<(), StepError> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).step("make a pipe")?;
    let launcher = getpid();
    let pidfd = match kernel_calls::clone_process(0, None).step("clone a process")? {
        CloneSide::Parent(_, pidfd) => pidfd,
        CloneSide::Child => {
            drop(writer);
            let is_ready = retry_on_intr(|| rustix::io::read(&reader, &mut [0_u8]));
            let mapped = match is_ready {
                Ok(1) => map_same_ids(proc, launcher.as_raw_nonzero().get()),
                Ok(_) | Err(_) => Err(Errno::PIPE),
            };
            kernel_calls::exit_with(mapped);
        }
    };
    // Without the byte the child ends when the pipe does.
    let entered = kernel_calls::new_namespaces(UnshareFlags::NEWUSER)
        .and_then(|()| rustix::io::write(&writer, b"g").map(drop))
        .step("create namespaces");
    drop(writer);
    let mapped = kernel_calls::wait_for_success(pidfd.as_fd());
    entered.and(mapped.step(MAP_USERS))
}

/// Maps the one id inside a sandbox's new user namespace.
pub(super) fn map_ids(proc: &HostProc, dispatch: Dispatch, pid: Pid) -> Result<(), StepError> {
    let write = |name, text: &str| proc.write(&format!("{}/{name}", pid.as_raw_nonzero()), text);
    let (user, group) = if let Some(id) = dispatch.outside_id {
        (id, id)
    } else {
        // Without it the kernel lets no ordinary user map a group.
        write("setgroups", "deny").step("write `setgroups`")?;
        (geteuid().as_raw(), getegid().as_raw())
    };
    write("uid_map", &format!("{INSIDE_ID} {user} 1")).step(MAP_USERS)?;
    write("gid_map", &format!("{INSIDE_ID} {group} 1")).step("write `gid_map`")
}

/// Maps the ids of a process's new user namespace to those with the same numbers.
fn map_same_ids(proc: &HostProc, process: i32) -> Result<(), Errno> {
    let (users, groups) = if geteuid().is_root() {
        let own = |file| same_ids(&fs::read_to_string(file).unwrap_or_default());
        (own("/proc/self/uid_map"), own("/proc/self/gid_map"))
    } else {
        // Without it the kernel lets no ordinary user map a group.
        proc.write(&format!("{process}/setgroups"), "deny")?;
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        (format!("{user} {user} 1"), format!("{group} {group} 1"))
    };
    proc.write(&format!("{process}/uid_map"), &users)?;
    proc.write(&format!("{process}/gid_map"), &groups)
}

/// Maps all ids of a map to themselves.
fn same_ids(map: &str) -> String {
    let mut same = String::new();
    for line in map.lines() {
        let mut fields = line.split_whitespace();
        if let (Some(first), Some(count)) = (fields.next(), fields.nth(1)) {
            // Writing into a string does not fail.
            let _ = writeln!(same, "{first} {first} {count}");
        }
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_mapped_to_itself() {
        let map = "         0     100000      65536\n     70000        5     1\n";
        assert_eq!(same_ids(map), "0 0 65536\n70000 70000 1\n");
    }
}
