//! Finds the processes of a sandbox from outside, and stops them.

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The children of all threads of a process.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| {
            let pids = text.split_whitespace().filter_map(|pid| pid.parse().ok());
            pids.collect::<Vec<i32>>()
        })
        .collect()
}

/// How often the processes are looked for that others have started meanwhile.
const LOOKS_MAX: usize = 8;

/// Sends a signal to all processes below this one, but not to itself.
pub(crate) fn signal_all_below(first_process: i32, signal: Signal) {
    let mut reached = HashSet::new();
    for _ in 0..LOOKS_MAX {
        let before = reached.len();
        let mut parents = vec![first_process];
        while let Some(parent) = parents.pop() {
            for child in children(parent) {
                if !reached.contains(&child) && send_to_child(parent, child, signal) {
                    reached.insert(child);
                }
                parents.push(child);
            }
        }
        if reached.len() == before {
            break;
        }
    }
}

/// Sends a signal to a child, unless its id belongs to another process by now.
fn send_to_child(parent: i32, child: i32, signal: Signal) -> bool {
    let descriptor = Pid::from_raw(child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    descriptor.is_some_and(|descriptor| {
        children(parent).contains(&child) && pidfd_send_signal(descriptor, signal).is_ok()
    })
}
